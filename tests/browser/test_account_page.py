"""The account page: another device, and programs, without asking a lead."""

from browser.at_work import GatewayInBrowser


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
