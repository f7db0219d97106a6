"""The sign-in page: a link that works once, and no way in without."""

import asyncio

from browser.at_work import GatewayInBrowser, LabelingPage
from playwright.async_api import Route

from label_gateway.people import labelers as people
from label_gateway.people.sign_in import sign_in_link


async def test_nobody_signed_in_is_sent_to_the_sign_in_page(gateway: GatewayInBrowser) -> None:
    page = await gateway.page()
    for address in ("/", "/label"):
        await page.goto(gateway.on.http_url + address)
        assert page.url == gateway.on.http_url + "/sign-in"
        assert await page.get_by_label("Sign-in link").is_visible()


async def test_the_modules_of_the_labeling_page_are_not_for_strangers(gateway: GatewayInBrowser) -> None:
    page = await gateway.page()
    for path, status in {"sign-in": 200, "label": 401}.items():
        answer = await page.request.get(f"{gateway.on.http_url}/{path}/static/{path}.js")
        assert answer.status == status, path
    outside = await page.request.get(f"{gateway.on.http_url}/label/static/..%2fpages.py")
    assert outside.status in (401, 404)


async def test_a_link_signs_in_and_its_token_leaves_the_address_bar(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    link = await gateway.labeler("Marina", "GatewayInBrowser")
    page = await gateway.page()
    asked, seen = [], asyncio.Event()
    page.on("request", lambda request: asked.append(request.url))

    async def hold(route: Route) -> None:
        await seen.wait()
        await route.continue_()

    await page.route("**/api/session", hold)
    await page.goto(link)
    await page.get_by_text("Signing in…").wait_for()
    assert page.url == gateway.on.http_url + "/sign-in"
    seen.set()
    await page.get_by_text("Nothing left to label").or_(page.locator("#stage[aria-busy=false]")).wait_for()
    assert page.url == gateway.on.http_url + "/label"
    assert await page.get_by_text("Marina · GatewayInBrowser").is_visible()
    token = link.partition("#")[2]
    assert not [url for url in asked if token in url.partition("#")[0]]
    await page.go_back()
    assert token not in page.url


async def test_a_used_link_says_what_to_do(gateway: GatewayInBrowser) -> None:
    link = await gateway.labeler("Marina", "GatewayInBrowser")
    first, second = await gateway.page(), await gateway.page()
    await first.goto(link)
    await first.get_by_text("Nothing left to label").wait_for()
    await second.goto(link)
    await second.get_by_text("ask your lead for a new one").wait_for()
    assert second.url == gateway.on.http_url + "/sign-in"
    gateway.faults.remove("Failed to load resource: the server responded with a status of 401 (Unauthorized)")


async def test_a_link_can_be_pasted(gateway: GatewayInBrowser) -> None:
    link = await gateway.labeler("Marina", "GatewayInBrowser")
    page = await gateway.page()
    await page.goto(gateway.on.http_url + "/sign-in")
    await page.get_by_label("Sign-in link").fill(link)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Nothing left to label").wait_for()


async def test_signing_out_closes_the_door(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.page.get_by_role("button", name="Sign out").click()
    await labeling.page.wait_for_url("**/sign-in")
    await labeling.page.goto(gateway.on.http_url + "/label")
    assert labeling.page.url == gateway.on.http_url + "/sign-in"


async def test_somebody_who_may_no_longer_come_in_is_sent_away(gateway: GatewayInBrowser) -> None:
    link = await gateway.labeler("Marina", "GatewayInBrowser")
    page = await gateway.page()
    await page.goto(link)
    await LabelingPage(page).shows("Nothing left to label")
    await gateway.on.catalog.execute("UPDATE audio.labelers SET enabled = false WHERE name = 'Marina'")
    await page.reload()
    await page.wait_for_url("**/sign-in")
    gateway.faults.clear()  # the refusals that the browser reports are what this test is about


async def test_a_page_goes_on_when_somebody_signs_in_anew_beside_it(gateway: GatewayInBrowser) -> None:
    """The session of the page has ended, and so has the token that it sends."""
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    token = (await sign_in_link(gateway.on, people.FIRST_LEAD)).partition("#")[2]
    beside = labeling.page.context.request  # with the browser's cookies
    await beside.post(gateway.on.http_url + "/api/session", data={"token": token})
    await labeling.press("Enter")
    await labeling.shows("Press Enter once more")
    await labeling.press("Enter")
    await gateway.submissions(1)
    gateway.faults.clear()  # the refusal of the first attempt
