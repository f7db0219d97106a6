"""What failed is tried again by itself: after a pause, and at once where there is hope."""

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage

from label_gateway.people.sign_in import sign_in_link

LONG_PAUSES = "const wait = window.setTimeout; window.setTimeout = (act, ms) => wait(act, 1000 * ms);"


async def test_all_that_failed_is_tried_again_when_the_network_is_back(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = await gateway.page()
    await page.route("**/api/classes", lambda route: route.abort())
    await page.goto(await sign_in_link(gateway.on, "lead"))
    labeling = LabelingPage(page)
    await labeling.shows("Waiting for the server. This page begins by itself")
    await page.route("**/api/audio/**", lambda route: route.abort())
    await page.unroute("**/api/classes")
    await labeling.shows(
        "This audio cannot be played: The server cannot be reached. It is tried again by itself."
    )
    await page.unroute("**/api/audio/**")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await labeling.comes_to(1)
    assert not await page.get_by_text("cannot be played").is_visible()
    await labeling.press("d", "Enter")
    await labeling.comes_to(2)  # which was fetched in advance, in vain
    gateway.faults.clear()


@pytest.mark.parametrize("hope", ["window.dispatchEvent(new Event('online'))",
                                  "document.dispatchEvent(new Event('visibilitychange'))"])  # fmt: skip
async def test_no_pause_is_waited_out_where_there_is_hope(gateway: GatewayInBrowser, hope: str) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page(prepare=LONG_PAUSES)
    await labeling.page.route("**/api/tasks/**", lambda route: route.abort())
    await labeling.press("1", "Enter")
    await labeling.shows("1 not sent yet, trying again")
    await labeling.page.unroute("**/api/tasks/**")
    await labeling.page.evaluate(hope)
    await gateway.submissions(1)
    gateway.faults.clear()
