"""Keys that are not those of a US keyboard mean what lies, or is printed, on them."""

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.inspection import opened, show
from playwright.async_api import Page, expect

from escolta.service import Platform

SHIFT, CTRL, ALT_GRAPH = "Shift", "Control", "AltGraph"
WHOLE, ENGINE, DOUBT = ["1 0.00 – 4.00 s no class yet"], ["1 0.00 – 4.00 s Engine"], ["1 0.00 – 4.00 s Doubt"]

KEYS = [
    ("Russian", "ц", "KeyW", "", WHOLE),
    ("Greek", "ς", "KeyW", "", WHOLE),
    ("Hebrew", "'", "KeyW", "", WHOLE),
    ("Persian", "ص", "KeyW", "", WHOLE),
    ("Korean with its input method", "Process", "KeyW", "", WHOLE),
    ("CapsLock", "W", "KeyW", "", WHOLE),
    ("AZERTY, where W lies on Z", "w", "KeyZ", "", WHOLE),
    ("AZERTY, where Z lies on W", "z", "KeyW", "", []),
    ("Dvorak, where E lies on D", "e", "KeyD", "", []),
    ("Russian", "в", "KeyD", "", DOUBT),
    ("AZERTY", "&", "Digit1", "", ENGINE),
    ("AZERTY", "1", "Digit1", SHIFT, ENGINE),
    ("Persian", "۱", "Digit1", "", ENGINE),
    ("Czech", "+", "Digit1", "", ENGINE),
    ("Vietnamese, an accent", "Dead", "Digit1", "", ENGINE),
    ("Japanese with its input method", "Process", "Digit1", "", ENGINE),
    ("numbers of their own", "1", "Numpad1", "", ENGINE),
    ("German, a bracket made with AltGr", "[", "Digit8", ALT_GRAPH, ["1 0.00 – 4.00 s no class yet"]),
]


async def press(page: Page, key: str, code: str, held: str = "") -> None:
    """A key of another keyboard, as Chromium tells of it."""
    await page.evaluate(
        "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, ...key}))",
        {
            "key": key,
            "code": code,
            "shiftKey": held == SHIFT,
            "ctrlKey": held == CTRL,
            "modifierAltGraph": held == ALT_GRAPH,
        },
    )


@pytest.fixture
async def labeling(gateway: GatewayInBrowser) -> LabelingPage:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    await labeling.press("Home")
    return labeling


async def test_a_key_means_what_lies_on_it(labeling: LabelingPage) -> None:
    for keyboard, key, code, held, marks in KEYS:
        await press(labeling.page, key, code, held)
        assert await labeling.marks() == marks, (keyboard, key)
        while await labeling.marks():
            await press(labeling.page, "я", "KeyZ", CTRL)  # undo, in Russian


async def test_signs_are_found_where_they_are_printed_or_where_they_lie(labeling: LabelingPage) -> None:
    for key, code in [("/", "Digit7"), ("/", "Slash"), ("／", "Slash"), ("а", "KeyF"), ("/", "KeyQ")]:
        await press(labeling.page, key, code, SHIFT if code == "Digit7" else "")
        assert await labeling.page.evaluate("document.activeElement.id") == "find-class", (key, code)
        await labeling.press("Escape")
    for key, code, held in [("؟", "Slash", SHIFT), ("?", "Digit7", SHIFT)]:  # Persian, Russian
        await press(labeling.page, key, code, held)
        await labeling.page.get_by_role("dialog", name="Keys").wait_for()
        await labeling.press("Escape")
    await press(labeling.page, "ю", "Period")  # on by half a second
    await labeling.shows("0.50 / 4.00 s")
    await press(labeling.page, "Х", "BracketLeft", SHIFT)  # the onset here: there is no mark yet
    await labeling.shows("Select a mark first")


async def test_after_a_click_the_keys_are_the_pages(labeling: LabelingPage) -> None:
    await labeling.press("w")
    await labeling.drag(1, 2)
    for row in (0, 1, 1):
        await labeling.page.locator("#marks button").nth(row).click()
        assert await labeling.page.evaluate("document.activeElement.localName") == "body"
    await labeling.page.get_by_role("button", name="Engine").click()
    assert await labeling.page.evaluate("document.activeElement.localName") == "body"


async def test_who_goes_by_tab_stays_on_the_control_that_was_used(labeling: LabelingPage) -> None:
    await labeling.page.locator("#loop").focus()
    await labeling.press("Tab", "ArrowDown", "ArrowDown")
    assert await labeling.page.get_by_label("Speed").input_value() == "2"
    await labeling.page.get_by_role("button", name="Engine").focus()
    await labeling.press("Enter")
    assert await labeling.marks() == ENGINE
    await labeling.press("Enter")  # on and off; it does not submit
    assert await labeling.marks() == WHOLE


async def test_enter_that_is_held_is_one(labeling: LabelingPage, gateway: GatewayInBrowser) -> None:
    before = await gateway.classes()
    await labeling.press("/")
    await labeling.page.keyboard.type("Enginr")
    await labeling.hold_enter()
    await labeling.shows("Enter once more: “Enginr” becomes a class for everybody")
    assert await gateway.classes() == before
    await labeling.press("Escape")
    await labeling.page.get_by_role("button", name="Submit").focus()
    await labeling.hold_enter()
    await labeling.shows("Nothing is marked. Press Enter once more")
    assert await labeling.page.locator("#place").inner_text() == "Audio 1 of 1"


async def test_keys_that_compose_a_character_choose_nothing(labeling: LabelingPage) -> None:
    await labeling.press("/")
    tools = await labeling.page.context.new_cdp_session(labeling.page)
    await tools.send("Input.imeSetComposition", {"text": "かもめ", "selectionStart": 3, "selectionEnd": 3})
    await labeling.shows("Add the class “かもめ”")
    for key in ("Enter", "Escape", "ArrowDown"):
        await labeling.page.evaluate(
            "(key) => document.activeElement.dispatchEvent("
            "new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true}))",
            key,
        )
        assert await labeling.page.evaluate("document.activeElement.id") == "find-class", key
        assert (await labeling.page.locator("#found-classes").inner_text()).startswith("Add the class"), key


async def test_the_map_has_its_keys_on_every_keyboard(on: Platform, lead_page: Page) -> None:
    shown = await show(on, 200)
    await opened(on, lead_page, shown)
    for key, code, rank in [("о", "KeyJ", 1), ("J", "KeyJ", 2), ("ξ", "KeyJ", 3), ("л", "KeyK", 2)]:
        await press(lead_page, key, code)
        await expect(lead_page.locator("#facts")).to_contain_text(f"Proposed, rank {rank}")
