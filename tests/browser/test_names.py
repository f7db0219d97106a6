"""Names that people gave: each has a direction of its own, and can be read whole where room is scarce."""

from browser.at_work import GatewayInBrowser
from browser.inspection import opened, show
from playwright.async_api import Page, expect

# Where a name stands on the page without an element that has its own direction and the whole name as title.
BARE = """name => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const bare = [];
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    const isTold = parentElement.closest("bdi")?.title === data || parentElement.matches("option[dir=auto]");
    if (data.includes(name) && !isTold) bare.push(parentElement.outerHTML);
  }
  return bare;
}"""
HEBREW = "צופר (ספינה)"


async def all_are_isolated(page: Page, name: str, at_least: int) -> None:
    assert await page.locator("bdi", has_text=name).count() >= at_least
    assert await page.evaluate(BARE, name) == []


async def test_the_name_of_a_class_keeps_its_direction_on_the_labeling_page(
    gateway: GatewayInBrowser,
) -> None:
    await gateway.classes("Engine", HEBREW)
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await all_are_isolated(labeling.page, "100000.wav", 1)
    await labeling.press("1", "2")
    await labeling.shows(f"Mark 1: Engine, {HEBREW}.")
    await labeling.press("/")
    await all_are_isolated(labeling.page, HEBREW, 5)  # key, mark, list of marks, what is said, classes found
    await labeling.page.keyboard.type(f"{HEBREW} 2")
    await labeling.press("Enter")
    await labeling.shows(f"There is no class “{HEBREW} 2”")
    await all_are_isolated(labeling.page, HEBREW, 5)


async def test_a_mark_is_selected_by_a_click_on_its_name(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.drag(0.5, 1.5)
    await labeling.press("1", "Escape")
    await labeling.page.locator("#drawn-marks bdi").click()
    assert await labeling.page.locator("#marks [aria-pressed=true]").count() == 1


async def test_names_of_people_keep_their_direction_on_the_page_of_batches(gateway: GatewayInBrowser) -> None:
    await gateway.labeler(HEBREW, "harbor")
    await gateway.propose(2)
    page = (await gateway.labeling_page()).page
    await page.get_by_role("link", name="Batches").click()
    await page.get_by_text("Waits for:").wait_for()
    await all_are_isolated(page, HEBREW, 1)
    await all_are_isolated(page, "harbor", 1)


async def test_names_keep_their_direction_on_the_map(on, lead_page: Page) -> None:
    shown = await show(on, 500)
    await opened(on, lead_page, shown)
    await lead_page.locator("#color-by").get_by_text("Label").click()
    await lead_page.locator("#rows tr").first.click()
    name = shown.mapped.name(shown.batch[0])
    await expect(lead_page.locator("#audio-name")).to_have_text(name)
    await all_are_isolated(lead_page, name, 2)
    await all_are_isolated(lead_page, "ship engine", 1)
