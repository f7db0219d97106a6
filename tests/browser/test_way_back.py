"""After a submission there is a way back, as long as the group is not done with the audio."""

import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from playwright.async_api import Route


@pytest.fixture
async def labeling(gateway: GatewayInBrowser) -> LabelingPage:
    """The page of one of two who label: nothing is settled by what one of them says."""
    await gateway.classes("Engine", "Gull")
    marina = await gateway.labeler("Marina", "everyone")
    await gateway.propose(3)
    labeling = await gateway.labeling_page(marina)
    await labeling.listen()
    return labeling


async def say_and_go_on(labeling: LabelingPage, key: str, place: int) -> None:
    """Submits the whole audio with a class, and waits for the audio of that place."""
    await labeling.press(key, "Enter")
    await labeling.comes_to(place)


async def test_an_audio_that_was_submitted_opens_again_and_is_said_anew(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    await say_and_go_on(labeling, "1", 2)
    await gateway.submissions(1)
    await labeling.press("Control+z")
    await labeling.comes_to(1)
    await labeling.shows("Open again")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine"]
    await labeling.press("2", "1", "Enter")
    await labeling.comes_to(2)
    await said(gateway, [("100000.wav", "Gull", 0, 4)])
    assert await labeling.stored("escolta.draft") == []


async def said(gateway: GatewayInBrowser, events: list[tuple[str, str, float, float]]) -> None:
    """Waits until the catalog has been told of exactly this."""

    async def is_told() -> bool:
        return await gateway.said() == events

    await gateway.until(is_told)


async def test_undo_goes_back_over_audios_and_redo_forth(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    await say_and_go_on(labeling, "1", 2)
    await say_and_go_on(labeling, "2", 3)
    await gateway.submissions(2)
    await labeling.press("1")
    await labeling.press("Control+z", "Control+z")  # of the mark, then of the submission
    await labeling.comes_to(2)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Gull"]
    await labeling.press("Control+z")
    await labeling.comes_to(1)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine"]
    await labeling.press("2", "Control+Shift+z")
    await labeling.shows("There is nothing to redo")  # it is not as it was
    await labeling.press("Control+z", "Enter")
    await labeling.comes_to(2)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Gull"]
    await labeling.press("Control+Shift+z")
    await labeling.comes_to(3)
    assert await labeling.marks() == []
    await said(gateway, [("100000.wav", "Engine", 0, 4), ("100010.wav", "Gull", 0, 4)])


async def test_redo_leaves_an_audio_as_it_was(labeling: LabelingPage, gateway: GatewayInBrowser) -> None:
    await say_and_go_on(labeling, "1", 2)
    await gateway.submissions(1)
    await labeling.press("w", "Control+z", "Control+z")
    await labeling.comes_to(1)
    await labeling.press("Control+Shift+z")
    await labeling.comes_to(2)
    assert await labeling.marks() == []
    await said(gateway, [("100000.wav", "Engine", 0, 4)])


async def test_what_is_not_sent_yet_opens_again_and_is_sent_once(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    await labeling.page.route("**/api/tasks/*/*", lambda route: route.abort())
    await say_and_go_on(labeling, "1", 2)
    await labeling.shows("1 not sent yet")
    await labeling.press("Control+z")
    await labeling.comes_to(1)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine"]
    assert await labeling.stored("escolta.unsent") == []
    await labeling.page.unroute("**/api/tasks/*/*")
    await labeling.press("2", "Enter")
    await labeling.comes_to(2)
    await said(gateway, [("100000.wav", "Engine", 0, 4), ("100000.wav", "Gull", 0, 4)])
    gateway.faults.clear()  # the failures that the browser reports are what this test is about


async def test_what_is_said_anew_while_the_first_is_on_its_way_is_what_counts(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    held: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        if held:
            await route.continue_()
        else:
            held.append(route)

    async def is_on_its_way() -> bool:
        return bool(held)

    await labeling.page.route("**/api/tasks/*/*", hold_the_first)
    await say_and_go_on(labeling, "1", 2)
    await gateway.until(is_on_its_way)
    await labeling.press("Control+z")
    await labeling.comes_to(1)
    await labeling.press("1", "2", "Enter")
    await labeling.comes_to(2)
    await held[0].continue_()
    await said(gateway, [("100000.wav", "Gull", 0, 4)])


async def test_what_everybody_is_done_with_stays(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()  # of the lead, who is alone
    await labeling.press("1", "Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    await labeling.press("Control+z")
    await labeling.shows("The audio before is “100000.wav”, and everybody is done with it")
    await labeling.press("h")
    await labeling.page.get_by_role("dialog", name="Your last audios").wait_for()
    assert await labeling.page.get_by_role("button", name="Open again").is_disabled()


async def test_the_last_audio_of_a_batch_opens_again_too(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    for place in (2, 3):
        await say_and_go_on(labeling, "1", place)
    await labeling.press("d", "Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(3)
    await labeling.press("Control+z")
    await labeling.comes_to(3)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Doubt"]


async def test_the_list_of_ones_last_audios_opens_any_of_them(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    await labeling.press("w", "1", "2")
    await labeling.press("Enter")
    await labeling.comes_to(2)
    await labeling.press("Enter", "Enter")
    await labeling.comes_to(3)
    await gateway.submissions(2)
    await labeling.press("h")
    dialog = labeling.page.get_by_role("dialog", name="Your last audios")
    await dialog.wait_for()
    rows = [" ".join(row.split()) for row in await dialog.get_by_role("listitem").all_inner_texts()]
    assert rows == [
        "100010.wav · nothing to label Open again",
        "100000.wav · 1 mark: Engine, Gull Open again",
    ]
    await dialog.get_by_role("button", name="Open again").nth(1).click()
    await labeling.comes_to(1)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine, Gull"]
    await labeling.press("1")
    await labeling.page.reload()  # what was changed is kept
    await labeling.comes_to(3)
    await labeling.listen()
    await labeling.press("h")
    await dialog.get_by_role("button", name="Open again").nth(1).click()
    await labeling.comes_to(1)
    assert await labeling.marks() == ["1 0.00 – 4.00 s Gull"]


async def test_without_the_server_nothing_is_lost_by_going_back(
    labeling: LabelingPage, gateway: GatewayInBrowser
) -> None:
    await say_and_go_on(labeling, "1", 2)
    await gateway.submissions(1)
    await labeling.page.route("**/api/tasks/last", lambda route: route.abort())
    await labeling.press("w", "Control+z", "Control+z")
    await labeling.shows("No audio can be opened again until it is back.")
    assert await labeling.page.locator("#place").inner_text() == "Audio 2 of 3"
    gateway.faults.clear()
