"""The labeling page, as the people use it who have to listen for half an hour a day."""

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage


async def test_a_labeler_listens_marks_labels_submits_and_has_the_next(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine", "Gull")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.shows("Audio 1 of 2")

    await labeling.listen()
    await labeling.page.get_by_role("button", name="Play Space").click()
    await labeling.plays_until(0.3)
    await labeling.page.get_by_role("button", name="Pause Space").click()

    await labeling.drag(1, 2)
    await labeling.page.get_by_role("button", name="Engine").click()
    assert await labeling.marks() == ["1 1.00 – 2.00 s Engine"]
    await labeling.page.get_by_role("button", name="Submit").click()

    await labeling.shows("Audio 2 of 2")
    await labeling.is_ready()
    assert await labeling.marks() == []
    await gateway.submissions(1)
    [(file_name, name, onset_s, offset_s)] = await gateway.said()
    assert (file_name, name) == ("100000.wav", "Engine")
    assert [onset_s, offset_s] == pytest.approx([1, 2], abs=0.02)


async def test_which_channels_are_heard_is_told_beside_the_audio(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    told = "channel 1 of 2: channel 2 is inverted"
    await gateway.on.catalog.execute("UPDATE audio.audios SET channels_heard = $1", told)
    labeling = await gateway.labeling_page()
    await labeling.shows(told)


async def test_an_audio_is_labeled_by_keyboard_alone(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine", "Gull", "Horn")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()

    await labeling.listen()
    await labeling.put_cursor(1.0)
    await labeling.press("[", ".", ".", "]", "1")  # Engine, from 1 s to 2 s
    await labeling.put_cursor(2.5)
    await labeling.press("i", ".", "o", "2", "3")  # Gull and Horn, from 2.5 s to 3 s
    await labeling.press("ArrowRight", "Shift+ArrowLeft")
    await labeling.press("k", "Shift+ArrowRight")
    assert await labeling.marks() == ["1 1.00 – 2.01 s Engine", "2 2.51 – 2.99 s Gull, Horn"]
    await labeling.press("Enter")

    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    assert await gateway.said() == [
        ("100000.wav", "Engine", 1.0, 2.01),
        ("100000.wav", "Gull", 2.51, 2.99),
        ("100000.wav", "Horn", 2.51, 2.99),
    ]


async def test_a_class_with_nothing_marked_stands_for_the_whole_audio(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.press("1", "Enter")
    await labeling.comes_to(2)
    await labeling.press("d", "Enter")
    await gateway.submissions(2)
    assert await gateway.said() == [("100000.wav", "Engine", 0, 4), ("100010.wav", "Doubt", 0, 4)]


async def test_nothing_to_label_is_said_twice(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("Enter")
    await labeling.shows("Press Enter once more")
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 0
    await labeling.press("Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    assert await gateway.said() == []


async def test_a_mark_without_a_class_is_not_submitted(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("w", "Enter")
    await labeling.shows("Mark 1 has no class yet")
    await labeling.press("1", "Enter")
    await labeling.shows("Nothing left to label")


async def test_a_draft_survives_a_reload(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.drag(1, 2)
    await labeling.press("1", "w", "d")
    before = await labeling.marks()
    await labeling.page.reload()
    await labeling.is_ready()
    assert await labeling.marks() == before != []
    await labeling.listen()
    await labeling.press("Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    assert [name for _, name, _, _ in await gateway.said()] == ["Doubt", "Engine"]
    assert await labeling.stored("escolta.draft") == []


async def test_the_next_batch_comes_by_itself(gateway: GatewayInBrowser) -> None:
    link = await gateway.labeler("Marina", "GatewayInBrowser")
    page = await gateway.page()
    await page.goto(link)
    await LabelingPage(page).shows("Nothing left to label")
    await gateway.propose(2)
    await LabelingPage(page).is_ready()
    assert await page.get_by_role("heading", name="of 1").is_visible()  # half of the batch: there is a lead


async def test_the_help_lists_the_keys_and_escape_closes_it(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("?")
    dialog = labeling.page.get_by_role("dialog", name="Keys")
    assert await dialog.get_by_text("begin a mark at the cursor").is_visible()
    await labeling.press("w")
    assert await labeling.marks() == []
    await labeling.press("Escape")
    await dialog.wait_for(state="hidden")
    await labeling.press("w")
    assert len(await labeling.marks()) == 1


async def test_typing_in_the_box_is_not_taken_for_keys(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("/")
    await labeling.page.keyboard.type("wd1 ")
    assert await labeling.marks() == []
    await labeling.press("Escape", "w")
    assert len(await labeling.marks()) == 1


async def test_every_control_has_a_name(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("1")
    controls = labeling.page.locator("button, input, select, [role=group], progress, nav, section, dialog")
    nameless = [
        await control.evaluate("element => element.outerHTML")
        for control in await controls.filter(visible=True).all()
        if not await _accessible_name(labeling, control)
    ]
    assert nameless == []


async def _accessible_name(labeling: LabelingPage, control) -> str:
    """The name that Chromium itself computes for assistive technology."""
    session = await labeling.page.context.new_cdp_session(labeling.page)
    handle = await control.element_handle()
    await handle.evaluate("element => { window.asked = element }")
    found = await session.send("Runtime.evaluate", {"expression": "window.asked"})
    tree = await session.send(
        "Accessibility.getPartialAXTree", {"objectId": found["result"]["objectId"], "fetchRelatives": False}
    )
    await session.detach()
    return tree["nodes"][0].get("name", {}).get("value", "")


async def test_a_double_click_is_no_second_word(gateway: GatewayInBrowser) -> None:
    before = await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.page.get_by_role("button", name="Submit").dblclick()
    await labeling.shows("Nothing is marked. Press Enter once more")
    await labeling.press("/")
    await labeling.page.keyboard.type("Enginr")
    await labeling.page.get_by_text("Add the class “Enginr”").dblclick()
    await labeling.shows("“Enginr” becomes a class for everybody")
    assert await gateway.classes() == before
    assert await labeling.page.locator("#place").inner_text() == "Audio 1 of 2"
