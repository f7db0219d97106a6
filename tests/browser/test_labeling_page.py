"""The labeling page, as the people use it who have to listen for half an hour a day."""

import pytest
from browser.desk import Desk, Harbor

from label_gateway.labeling import page as pages
from label_gateway.people.sign_in import sign_in_link


async def test_a_labeler_listens_marks_labels_submits_and_has_the_next(harbor: Harbor) -> None:
    await harbor.classes("Engine", "Gull")
    await harbor.propose(2)
    desk = await harbor.desk()
    await desk.shows("Audio 1 of 2")

    await desk.listen()
    await desk.page.get_by_role("button", name="Play Space").click()
    await desk.plays_until(0.3)
    await desk.page.get_by_role("button", name="Pause Space").click()

    await desk.drag(1, 2)
    await desk.page.get_by_role("button", name="Engine").click()
    assert await desk.marks() == ["1 1.00 – 2.00 s Engine"]
    await desk.page.get_by_role("button", name="Submit").click()

    await desk.shows("Audio 2 of 2")
    await desk.is_ready()
    assert await desk.marks() == []
    await harbor.submissions(1)
    [(file_name, name, onset_s, offset_s)] = await harbor.said()
    assert (file_name, name) == ("100000.wav", "Engine")
    assert [onset_s, offset_s] == pytest.approx([1, 2], abs=0.02)


async def test_an_audio_is_labeled_by_keyboard_alone(harbor: Harbor) -> None:
    await harbor.classes("Engine", "Gull", "Horn")
    await harbor.propose(1)
    desk = await harbor.desk()

    await desk.listen()
    await desk.put_cursor(1.0)
    await desk.press("[", ".", ".", "]", "1")  # Engine, from 1 s to 2 s
    await desk.put_cursor(2.5)
    await desk.press("i", ".", "o", "2", "3")  # Gull and Horn, from 2.5 s to 3 s
    await desk.press("ArrowRight", "Shift+ArrowLeft")
    await desk.press("k", "Shift+ArrowRight")
    assert await desk.marks() == ["1 1.00 – 2.05 s Engine", "2 2.55 – 2.95 s Gull, Horn"]
    await desk.press("Enter")

    await desk.shows("Nothing left to label")
    await harbor.submissions(1)
    assert await harbor.said() == [
        ("100000.wav", "Engine", 1.0, 2.05),
        ("100000.wav", "Gull", 2.55, 2.95),
        ("100000.wav", "Horn", 2.55, 2.95),
    ]


async def test_where_the_browser_forbids_sound_the_first_key_allows_it(harbor: Harbor) -> None:
    await harbor.propose(1)
    page = await harbor.page()
    await page.add_init_script(
        "const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function () {"
        "  HTMLMediaElement.prototype.play = play;"
        "  return Promise.reject(new DOMException('not before a gesture', 'NotAllowedError'));"
        "}"
    )
    await page.goto(await harbor.labeler("Marina", "everyone"))
    desk = Desk(page)
    await desk.shows("Press any key to listen")
    await desk.press("Shift")
    await desk.plays_until(0.1)


async def test_a_class_with_nothing_marked_stands_for_the_whole_audio(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(2)
    desk = await harbor.desk()
    await desk.press("1", "Enter")
    await desk.shows("Audio 2 of 2")
    await desk.press("d", "Enter")
    await harbor.submissions(2)
    assert await harbor.said() == [("100000.wav", "Engine", 0, 4), ("100010.wav", "Doubt", 0, 4)]


async def test_nothing_to_label_is_said_twice(harbor: Harbor) -> None:
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("Enter")
    await desk.shows("Press Enter once more")
    assert await harbor.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 0
    await desk.press("Enter")
    await desk.shows("Nothing left to label")
    await harbor.submissions(1)
    assert await harbor.said() == []


async def test_a_mark_without_a_class_is_not_submitted(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("w", "Enter")
    await desk.shows("Mark 1 has no class yet")
    await desk.press("1", "Enter")
    await desk.shows("Nothing left to label")


async def test_changes_can_be_undone_and_done_again(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("1", "Delete")
    assert await desk.marks() == []
    await desk.press("Control+z")
    assert await desk.marks() == ["1 0.00 – 4.00 s Engine"]
    await desk.press("Control+z")
    assert await desk.marks() == []
    await desk.press("Control+z")
    await desk.shows("nothing to undo")
    await desk.press("Control+Shift+z", "Control+Shift+z")
    assert await desk.marks() == []
    await desk.shows("Done again")


async def test_the_edges_of_a_mark_can_be_typed_and_dragged(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.drag(1, 2)
    await desk.press("1")
    await desk.page.get_by_label("Onset").fill("0.75")
    await desk.page.get_by_label("Onset").press("Enter")
    await desk.page.get_by_label("Offset").fill("99")
    await desk.page.get_by_label("Offset").press("Enter")
    assert await desk.marks() == ["1 0.75 – 4.00 s Engine"]
    await desk.drag(0.755, 0.25)  # the left edge
    [mark] = await desk.marks()
    assert float(mark.split()[1]) == pytest.approx(0.25, abs=0.02)


async def test_a_new_class_is_added_under_its_exact_name(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("/")
    await desk.page.keyboard.type("RoRo ramp 2")
    await desk.shows("Add the class “RoRo ramp 2”")
    await desk.press("Enter")
    await desk.shows("The whole audio: RoRo ramp 2")
    assert "RoRo ramp 2" in await harbor.classes()
    assert await desk.page.get_by_role("button", name="RoRo ramp 2", pressed=True, exact=True).is_visible()
    await desk.press("Enter")
    await harbor.submissions(1)
    assert await harbor.said() == [("100000.wav", "RoRo ramp 2", 0, 4)]


async def test_a_class_without_a_key_is_found_by_its_name(harbor: Harbor) -> None:
    await harbor.classes(*(f"Ship {number:02}" for number in range(12)), "Crane")
    await harbor.propose(1)
    desk = await harbor.desk()
    assert not await desk.page.get_by_role("button", name="Crane").is_visible()
    await desk.press("/")
    await desk.page.keyboard.type("cra")
    await desk.press("Enter")
    await desk.shows("The whole audio: Crane")
    assert await desk.page.get_by_role("button", name="Crane", pressed=True, exact=True).is_visible()


async def test_a_draft_survives_a_reload(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.drag(1, 2)
    await desk.press("1", "w", "d")
    before = await desk.marks()
    await desk.page.reload()
    await desk.is_ready()
    assert await desk.marks() == before != []
    await desk.press("Enter")
    await desk.shows("Nothing left to label")
    await harbor.submissions(1)
    assert [name for _, name, _, _ in await harbor.said()] == ["Doubt", "Engine"]
    assert await desk.stored("escolta.draft") == []


async def test_what_cannot_be_sent_is_kept_and_sent_later(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(3)
    desk = await harbor.desk()
    await desk.page.route("**/api/tasks**", lambda route: route.abort())
    await desk.press("1", "Enter")
    await desk.shows("Audio 2 of 3")  # it was fetched in advance
    await desk.press("d", "Enter")
    await desk.shows("Not sent yet: 2")
    await desk.page.reload()
    await desk.shows("Not sent yet: 2")
    await desk.page.unroute("**/api/tasks**")
    await desk.shows("Audio 3 of 3")
    await harbor.submissions(2)
    assert [name for _, name, _, _ in await harbor.said()] == ["Engine", "Doubt"]
    assert await desk.stored("escolta.unsent") == []
    harbor.faults.clear()  # the failures that the browser reports are what this test is about


async def test_what_the_server_refuses_is_kept_with_its_reason(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(2)
    desk = await harbor.desk()
    await harbor.on.catalog.execute("DELETE FROM label.assignments WHERE place = 1")
    await desk.press("1", "Enter")
    await desk.shows("“100000.wav” was not taken: This audio is not for your group")
    await desk.shows("Audio 2 of")
    assert len(await desk.stored("escolta.draft")) == 1
    harbor.faults.clear()


async def test_a_session_that_ends_takes_no_work_with_it(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(2)
    desk = await harbor.desk()
    await desk.page.context.clear_cookies()
    await desk.press("1", "Enter")
    await desk.shows("You are signed out. Your work is kept in this browser.")
    assert await harbor.said() == []
    await desk.page.goto(await sign_in_link(harbor.on, "lead"))
    await desk.shows("Audio 2 of 2")
    await harbor.submissions(1)
    assert await harbor.said() == [("100000.wav", "Engine", 0, 4)]
    harbor.faults.clear()  # the refusals that the browser reports are what this test is about


async def test_an_audio_that_cannot_be_played_is_no_dead_end(harbor: Harbor) -> None:
    await harbor.propose(2)
    page = await harbor.page()
    broken = "**/api/audio/**"
    await page.route(broken, lambda route: route.fulfill(body=b"no sound", content_type="audio/wav"))
    await page.goto(await harbor.labeler("Marina", "everyone"))
    desk = Desk(page)
    await desk.shows("This audio cannot be played")
    await page.unroute(broken)
    await page.get_by_role("button", name="Try again").click()
    await desk.is_ready()
    await desk.press("d", "Enter")
    await desk.shows("Audio 2 of 2")


async def test_the_next_batch_comes_by_itself(harbor: Harbor) -> None:
    link = await harbor.labeler("Marina", "Harbor")
    page = await harbor.page()
    await page.goto(link)
    await Desk(page).shows("Nothing left to label")
    await harbor.propose(2)
    await Desk(page).is_ready()
    assert await page.get_by_role("heading", name="of 1").is_visible()  # half of the batch: there is a lead


async def test_the_help_lists_the_keys_and_escape_closes_it(harbor: Harbor) -> None:
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("?")
    dialog = desk.page.get_by_role("dialog", name="Keys")
    assert await dialog.get_by_text("begin a mark at the cursor").is_visible()
    await desk.press("w")
    assert await desk.marks() == []
    await desk.press("Escape")
    await dialog.wait_for(state="hidden")
    await desk.press("w")
    assert len(await desk.marks()) == 1


async def test_typing_in_the_box_is_not_taken_for_keys(harbor: Harbor) -> None:
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("/")
    await desk.page.keyboard.type("wd1 ")
    assert await desk.marks() == []
    await desk.press("Escape", "w")
    assert len(await desk.marks()) == 1


async def test_without_the_player_the_page_says_what_to_do(
    harbor: Harbor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PLAYER", "vendor/nothing.js")
    page = await harbor.page()
    await page.goto(await harbor.labeler("Marina", "Harbor"))
    await Desk(page).shows("services/label-gateway/fetch_vendor.py")


async def test_every_control_has_a_name(harbor: Harbor) -> None:
    await harbor.classes("Engine")
    await harbor.propose(1)
    desk = await harbor.desk()
    await desk.press("1")
    controls = desk.page.locator("button, input, select, [role=group], progress, nav, section, dialog")
    nameless = [
        await control.evaluate("element => element.outerHTML")
        for control in await controls.filter(visible=True).all()
        if not await _accessible_name(desk, control)
    ]
    assert nameless == []


async def _accessible_name(desk: Desk, control) -> str:
    """The name that Chromium itself computes for assistive technology."""
    session = await desk.page.context.new_cdp_session(desk.page)
    handle = await control.element_handle()
    await handle.evaluate("element => { window.asked = element }")
    found = await session.send("Runtime.evaluate", {"expression": "window.asked"})
    tree = await session.send(
        "Accessibility.getPartialAXTree", {"objectId": found["result"]["objectId"], "fetchRelatives": False}
    )
    await session.detach()
    return tree["nodes"][0].get("name", {}).get("value", "")
