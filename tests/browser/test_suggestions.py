"""Classes that an audio probably has, each behind a key; or nothing at all where the batch shows none."""

from uuid import UUID

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.test_look import DESK, PHONE
from browser.test_phone import fits
from playwright.async_api import expect

SUGGESTED = "UPDATE al.wavs_proposed SET suggested = $2 WHERE iteration_id = $1"
SUGGESTIONS = "UPDATE al.al_preprocessing SET suggestions = $2 WHERE iteration_id = $1"
NAMES = ("Engine", "Black-headed gull", "Horn", "Rain")


async def suggest(gateway: GatewayInBrowser, iteration_id: UUID, how: str, *names: str) -> None:
    """What al-engine leaves with each audio of a batch."""
    known = await gateway.classes()
    await gateway.on.catalog.execute(SUGGESTED, iteration_id, [known[name] for name in names])
    await gateway.on.catalog.execute(SUGGESTIONS, iteration_id, how)


async def batch(gateway: GatewayInBrowser, audios: int = 2, how: str = "shown") -> None:
    await gateway.classes(*NAMES)
    await suggest(gateway, await gateway.propose(audios), how, "Horn", "Black-headed gull", "Rain")


async def offered(labeling: LabelingPage) -> list[str]:
    rows = await labeling.page.locator("#suggested-classes button").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


async def shown(gateway: GatewayInBrowser) -> list[bool]:
    rows = await gateway.on.catalog.fetch(
        "SELECT suggestions_shown FROM label.submissions ORDER BY submitted_at"
    )
    return [row["suggestions_shown"] for row in rows]


async def test_one_key_takes_a_likely_class(gateway: GatewayInBrowser) -> None:
    await batch(gateway)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    assert await offered(labeling) == ["E Horn", "R Black-headed gull", "T Rain"]
    await labeling.press("e")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Horn"]
    await labeling.press("e", "t")  # on and off, as the number keys do it
    assert await labeling.marks() == ["1 0.00 – 4.00 s Rain"]
    pressed = labeling.page.get_by_role("group", name="Likely").get_by_role("button", pressed=True)
    await expect(pressed).to_have_text("TRain")
    await labeling.press("Enter")
    await labeling.comes_to(2)
    await labeling.drag(1, 2)
    await labeling.press("r", "Enter")
    await gateway.submissions(2)
    assert await gateway.said() == [("100000.wav", "Rain", 0, 4), ("100010.wav", "Black-headed gull", 1, 2)]
    assert await shown(gateway) == [True, True]


async def test_a_batch_that_shows_none_has_nothing_of_it(gateway: GatewayInBrowser) -> None:
    """Neither where there are none, nor where they are kept to be compared."""
    await batch(gateway, 1, "kept")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    for place in (1, 2):
        assert not await labeling.page.locator("#suggested").is_visible()
        said = await labeling.page.locator("#said").inner_text()
        await labeling.press("e", "r", "t")
        assert await labeling.marks() == []
        assert await labeling.page.locator("#said").inner_text() == said
        await labeling.press("w", "1", "Enter")
        await gateway.submissions(place)
    assert await shown(gateway) == [False, False]


async def test_the_next_batch_s_are_its_own(gateway: GatewayInBrowser) -> None:
    await gateway.classes(*NAMES)
    await suggest(gateway, await gateway.propose(1), "shown", "Horn", "Rain")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    assert await offered(labeling) == ["E Horn", "R Rain"]
    await labeling.press("t")  # there is no third
    assert await labeling.marks() == []
    await labeling.press("e", "Enter")
    await gateway.submissions(1)
    await expect(labeling.page.locator("#suggested")).to_be_hidden()


async def test_a_class_that_came_after_the_page_was_opened_is_offered_by_its_name(
    gateway: GatewayInBrowser,
) -> None:
    await batch(gateway, 1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    await gateway.classes("Whale")
    await suggest(gateway, await gateway.propose(1), "shown", "Whale", "Rain")
    await labeling.press("e", "Enter")
    await labeling.page.get_by_role("button", name="Whale").wait_for()
    assert await offered(labeling) == ["E Whale", "R Rain"]
    await labeling.is_ready()
    await labeling.press("e", "Enter")
    await gateway.submissions(2)
    assert [name for _, name, _, _ in await gateway.said()] == ["Horn", "Whale"]


async def test_a_click_takes_a_likely_class_and_gives_the_keys_back(gateway: GatewayInBrowser) -> None:
    await batch(gateway, 1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    likely = labeling.page.get_by_role("group", name="Likely")
    await likely.get_by_role("button", name="Rain").click()
    assert await labeling.marks() == ["1 0.00 – 4.00 s Rain"]
    assert await labeling.page.evaluate("document.activeElement.localName") == "body"
    await likely.get_by_role("button", name="Horn").focus()
    await labeling.press("Enter")  # whoever came by Tab stays there
    assert await labeling.marks() == ["1 0.00 – 4.00 s Rain, Horn"]
    assert await labeling.page.evaluate("document.activeElement.dataset.class") is not None
    assert await labeling.page.locator("#suggested-classes :focus").count() == 1


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
async def test_long_names_stay_on_the_screen(gateway: GatewayInBrowser, viewport: dict) -> None:
    await gateway.classes("W" * 80, "Great black-backed gull", "Horn")
    iteration_id = await gateway.propose(1)
    await suggest(gateway, iteration_id, "shown", "W" * 80, "Great black-backed gull", "Horn")
    labeling = await gateway.labeling_page(viewport=viewport)
    await labeling.listen()
    assert await fits(labeling.page)
    for button in await labeling.page.locator("#suggested-classes button").all():
        box = await button.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= viewport["width"]
