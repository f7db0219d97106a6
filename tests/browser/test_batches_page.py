"""The page of batches: a lead sees what stands still, and closes it."""

from browser.at_work import GatewayInBrowser

from label_gateway.people import labelers as people
from label_gateway.people.sign_in import sign_in_link


async def test_a_lead_sees_for_whom_a_batch_waits_and_closes_it(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = (await gateway.labeling_page()).page
    await page.get_by_role("link", name="Batches").click()
    await page.get_by_text("0 of 2 audios settled").wait_for()
    await page.get_by_text("Waits for: lead (2).").wait_for()
    await page.get_by_role("button", name="Close with what there is").click()
    await page.get_by_role("button", name="Keep it open").click()
    await page.get_by_role("button", name="Close with what there is").click()
    await page.get_by_text("2 audios may stay without a label").wait_for()
    await page.get_by_role("button", name="Close it").click()
    await page.get_by_text("0 open batches, 1 closed.").wait_for()


async def test_a_lead_is_told_what_to_do_where_nobody_is(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    link = await sign_in_link(gateway.on, people.FIRST_LEAD)
    await gateway.on.catalog.execute("UPDATE audio.labelers SET group_id = NULL")
    page = await gateway.page()
    await page.goto(link)
    await page.wait_for_url("**/label")
    await page.goto(gateway.on.http_url + "/batches")
    await page.get_by_text("Put somebody into a group, and they go there at once").wait_for()


async def test_a_labeler_does_not_see_the_page(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    page = await gateway.page()
    await page.goto(await gateway.labeler("Marina", "harbor"))
    await page.wait_for_url("**/label")
    assert not await page.get_by_role("link", name="Batches").is_visible()
    answer = await page.request.get(gateway.on.http_url + "/batches")
    assert answer.status == 403
