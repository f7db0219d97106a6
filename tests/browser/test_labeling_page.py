"""The labeling page, as the people use it who have to listen for half an hour a day."""

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage

from label_gateway.people.sign_in import sign_in_link


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
    assert await labeling.marks() == ["1 1.00 – 2.05 s Engine", "2 2.55 – 2.95 s Gull, Horn"]
    await labeling.press("Enter")

    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    assert await gateway.said() == [
        ("100000.wav", "Engine", 1.0, 2.05),
        ("100000.wav", "Gull", 2.55, 2.95),
        ("100000.wav", "Horn", 2.55, 2.95),
    ]


async def test_where_the_browser_forbids_sound_the_first_key_allows_it(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    page = await gateway.page()
    await page.add_init_script(
        "const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function () {"
        "  HTMLMediaElement.prototype.play = play;"
        "  return Promise.reject(new DOMException('not before a gesture', 'NotAllowedError'));"
        "}"
    )
    await page.goto(await gateway.labeler("Marina", "everyone"))
    labeling = LabelingPage(page)
    await labeling.shows("Press any key to listen")
    await labeling.press("Shift")
    await labeling.plays_until(0.1)


async def test_a_class_with_nothing_marked_stands_for_the_whole_audio(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.press("1", "Enter")
    await labeling.shows("Audio 2 of 2")
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


async def test_a_new_class_is_added_under_its_exact_name(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("/")
    await labeling.page.keyboard.type("RoRo ramp 2")
    await labeling.shows("Add the class “RoRo ramp 2”")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: RoRo ramp 2")
    assert "RoRo ramp 2" in await gateway.classes()
    assert await labeling.page.get_by_role(
        "button", name="RoRo ramp 2", pressed=True, exact=True
    ).is_visible()
    await labeling.press("Enter")
    await gateway.submissions(1)
    assert await gateway.said() == [("100000.wav", "RoRo ramp 2", 0, 4)]


async def test_a_class_without_a_key_is_found_by_its_name(gateway: GatewayInBrowser) -> None:
    await gateway.classes(*(f"Ship {number:02}" for number in range(12)), "Crane")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    assert not await labeling.page.get_by_role("button", name="Crane").is_visible()
    await labeling.press("/")
    await labeling.page.keyboard.type("cra")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: Crane")
    assert await labeling.page.get_by_role("button", name="Crane", pressed=True, exact=True).is_visible()


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
    await labeling.press("Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    assert [name for _, name, _, _ in await gateway.said()] == ["Doubt", "Engine"]
    assert await labeling.stored("escolta.draft") == []


async def test_what_cannot_be_sent_is_kept_and_sent_later(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page()
    await labeling.page.route("**/api/tasks**", lambda route: route.abort())
    await labeling.press("1", "Enter")
    await labeling.shows("Audio 2 of 3")  # it was fetched in advance
    await labeling.press("d", "Enter")
    await labeling.shows("Not sent yet: 2")
    await labeling.page.reload()
    await labeling.shows("Not sent yet: 2")
    await labeling.page.unroute("**/api/tasks**")
    await labeling.shows("Audio 3 of 3")
    await gateway.submissions(2)
    assert [name for _, name, _, _ in await gateway.said()] == ["Engine", "Doubt"]
    assert await labeling.stored("escolta.unsent") == []
    gateway.faults.clear()  # the failures that the browser reports are what this test is about


async def test_what_the_server_refuses_is_kept_with_its_reason(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await gateway.on.catalog.execute("DELETE FROM label.assignments WHERE place = 1")
    await labeling.press("1", "Enter")
    await labeling.shows("“100000.wav” was not taken: This audio is not for your group")
    await labeling.shows("Audio 2 of")
    assert len(await labeling.stored("escolta.draft")) == 1
    gateway.faults.clear()


async def test_a_session_that_ends_takes_no_work_with_it(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.page.context.clear_cookies()
    await labeling.press("1", "Enter")
    await labeling.shows("You are signed out. Your work is kept in this browser.")
    assert await gateway.said() == []
    await labeling.page.goto(await sign_in_link(gateway.on, "lead"))
    await labeling.shows("Audio 2 of 2")
    await gateway.submissions(1)
    assert await gateway.said() == [("100000.wav", "Engine", 0, 4)]
    gateway.faults.clear()  # the refusals that the browser reports are what this test is about


async def test_an_audio_that_cannot_be_played_is_no_dead_end(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = await gateway.page()
    broken = "**/api/audio/**"
    await page.route(broken, lambda route: route.fulfill(body=b"no sound", content_type="audio/wav"))
    await page.goto(await gateway.labeler("Marina", "everyone"))
    labeling = LabelingPage(page)
    await labeling.shows("This audio cannot be played")
    await page.unroute(broken)
    await page.get_by_role("button", name="Try again").click()
    await labeling.is_ready()
    await labeling.press("d", "Enter")
    await labeling.shows("Audio 2 of 2")


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
