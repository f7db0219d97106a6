"""The page of batches: a lead sees what stands still, and closes it."""

import asyncio

from browser.at_work import GatewayInBrowser
from playwright.async_api import Route, expect

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


async def test_who_is_at_a_button_by_keyboard_stays_there(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = (await gateway.labeling_page()).page
    await page.clock.install()
    await page.goto(gateway.on.http_url + "/batches")
    ask = page.get_by_role("button", name="Close with what there is")
    await ask.focus()
    await gateway.on.catalog.execute("UPDATE audio.labelers SET group_id = NULL")
    await page.clock.run_for(15_000)
    await page.get_by_text("Put somebody into a group").wait_for()
    await expect(ask).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")  # keeps it open
    await expect(ask).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Close it").press("Enter")
    await expect(page.get_by_text("0 open batches, 1 closed.")).to_be_focused()


async def test_a_question_that_was_asked_meanwhile_stays(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = (await gateway.labeling_page()).page
    await page.clock.install()
    await page.goto(gateway.on.http_url + "/batches")
    ask = page.get_by_role("button", name="Close with what there is")
    await ask.wait_for()
    asked = asyncio.Event()
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await page.route("**/api/progress", late)
    async with page.expect_response("**/api/progress"):
        await page.clock.run_for(15_000)
        await asked.wait()
        await ask.click()
        answer.set()
    await expect(page.get_by_role("button", name="Keep it open")).to_be_focused()


async def test_a_labeler_does_not_see_the_page(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    page = await gateway.page()
    await page.goto(await gateway.labeler("Marina", "harbor"))
    await page.wait_for_url("**/label")
    assert not await page.get_by_role("link", name="Batches").is_visible()
    answer = await page.request.get(gateway.on.http_url + "/batches")
    assert answer.status == 403
