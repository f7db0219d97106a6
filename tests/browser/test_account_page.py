"""The account page: another device, and programs, without asking a lead."""

from browser.at_work import GatewayInBrowser
from playwright.async_api import expect


async def test_a_person_signs_in_on_another_device_by_themselves(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    here = (await gateway.labeling_page()).page
    await here.get_by_role("link", name="lead").click()
    await here.get_by_role("button", name="Make a link").click()
    field = here.get_by_label("Sign-in link")
    await field.wait_for()
    there = await gateway.page()
    await there.goto(await field.input_value())
    await there.wait_for_url("**/label")
    await here.reload()
    assert here.url.endswith("/account"), "and stays signed in here"


async def test_a_token_is_shown_that_a_program_can_use(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    page = (await gateway.labeling_page()).page
    await page.goto(gateway.on.http_url + "/account")
    await page.get_by_role("button", name="Make a token").click()
    field = page.get_by_label("Token", exact=True)
    await field.wait_for()
    program = await gateway.page()
    headers = {"authorization": f"Bearer {await field.input_value()}"}
    answer = await program.request.get(gateway.on.http_url + "/api/me", headers=headers)
    assert (await answer.json())["name"] == "lead"


async def test_a_token_that_is_ended_is_of_no_use_any_longer(gateway: GatewayInBrowser) -> None:
    """By keyboard alone."""
    await gateway.propose(1)
    page = (await gateway.labeling_page()).page
    await page.goto(gateway.on.http_url + "/account")
    await page.get_by_label("For what").fill("nightly export")
    await page.keyboard.press("Enter")
    field = page.get_by_label("Token", exact=True)
    await field.wait_for()
    headers = {"authorization": f"Bearer {await field.input_value()}"}
    program = (await gateway.page()).request
    assert (await program.get(gateway.on.http_url + "/api/me", headers=headers)).ok
    await page.get_by_role("button", name="End Token: nightly export").focus()
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_role("list", name="Your devices and tokens").get_by_role("listitem")
    ).to_have_count(1)
    await expect(page.get_by_role("button", name="Sign out everywhere")).to_be_focused()
    assert (await program.get(gateway.on.http_url + "/api/me", headers=headers)).status == 401


async def test_signing_out_everywhere_reaches_the_other_device(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    here = (await gateway.labeling_page()).page
    there = (await gateway.labeling_page()).page
    await here.goto(gateway.on.http_url + "/account")
    everywhere = here.get_by_role("button", name="Sign out everywhere")
    await everywhere.click()
    await here.get_by_role("button", name="Stay signed in").click()
    await expect(everywhere).to_be_focused()
    await everywhere.click()
    await everywhere.click()
    await here.wait_for_url("**/sign-in")
    await there.goto(gateway.on.http_url + "/label")
    assert there.url == gateway.on.http_url + "/sign-in"
