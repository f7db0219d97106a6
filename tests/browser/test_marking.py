"""Marks by hand and by keys: a drag draws, an edge moves, and nothing moves that was not meant."""

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.sounds import RATE_HZ, recording


@pytest.fixture
async def labeling(gateway: GatewayInBrowser) -> LabelingPage:
    await gateway.classes("Engine", "Gull")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    return labeling


async def spans(labeling: LabelingPage) -> list[tuple[float, float]]:
    """Onset and offset of each mark, in seconds, as the list shows them."""
    words = [mark.split() for mark in await labeling.marks()]
    return [(float(onset), float(offset)) for _, onset, _, offset, *_ in words]


async def tops(labeling: LabelingPage) -> list[float]:
    """How far down the name of each mark is, in pixels."""
    return await labeling.page.locator("#drawn-marks span").evaluate_all(
        "titles => titles.map((it) => it.getBoundingClientRect().top)"
    )


def near(spans: list[tuple[float, float]], wanted: list[tuple[float, float]]) -> bool:
    """Whether a hand drew what it should have, within some pixels."""
    return np.shape(spans) == np.shape(wanted) and np.allclose(spans, wanted, rtol=0, atol=0.02)


async def test_changes_can_be_undone_and_done_again(labeling: LabelingPage) -> None:
    await labeling.press("1", "Delete")
    assert await labeling.marks() == []
    await labeling.press("Control+z")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine"]
    await labeling.press("Control+z")
    assert await labeling.marks() == []
    await labeling.press("Control+z")
    await labeling.shows("nothing to undo")
    await labeling.press("Control+Shift+z", "Control+Shift+z")
    assert await labeling.marks() == []
    await labeling.shows("Done again")


async def test_a_drag_draws_inside_another_mark_too(labeling: LabelingPage) -> None:
    await labeling.press("w")
    await labeling.drag(1, 3)
    await labeling.drag(2.5, 1.5)
    assert near(await spans(labeling), [(0, 4), (1, 3), (1.5, 2.5)])


async def test_overlapping_marks_have_their_names_in_lanes_of_their_own(labeling: LabelingPage) -> None:
    await labeling.press("1")
    await labeling.drag(1, 3)
    await labeling.press("2")
    await labeling.drag(0.5, 0.9)
    whole, first, second = await tops(labeling)
    assert whole < first == second  # the whole audio; then the two that do not overlap each other


async def test_the_names_of_many_marks_at_one_place_are_all_on_the_plot(labeling: LabelingPage) -> None:
    await labeling.press("Home", *["["] * 30)
    plot = await labeling.page.locator("#wave").bounding_box()
    titles = [await title.bounding_box() for title in await labeling.page.locator("#drawn-marks span").all()]
    assert len({title["y"] for title in titles if title}) == len(titles) == 30
    assert plot
    assert all(title and title["y"] + title["height"] <= plot["y"] + plot["height"] + 1 for title in titles)


async def test_names_lie_beside_each_other_on_a_narrower_plot_too(labeling: LabelingPage) -> None:
    await labeling.drag(1, 1.1)
    await labeling.press("1")
    await labeling.drag(1.35, 1.45)
    await labeling.press("1")
    assert len(set(await tops(labeling))) == 1  # there is room for both
    await labeling.page.set_viewport_size({"width": 390, "height": 844})
    await labeling.page.wait_for_function(
        "() => new Set([...document.querySelectorAll('#drawn-marks span')]"
        ".map((it) => it.getBoundingClientRect().top)).size === 2"
    )


async def test_a_hand_that_trembles_has_clicked(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2)
    before = await spans(labeling)
    for time_s in (0.5, 1, 1.5, 2, 3):
        x, y = await labeling.at(time_s)
        await labeling.page.mouse.move(x, y)
        await labeling.page.mouse.down()
        await labeling.page.mouse.move(x + 4, y + 3, steps=2)
        await labeling.page.mouse.up()
        await labeling.shows(f"{time_s:.2f} / 4.00 s")
    assert await spans(labeling) == before


async def test_an_edge_and_shift_move_a_mark(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2)
    await labeling.drag(1, 0.5)
    await labeling.drag(2, 3)
    assert near(await spans(labeling), [(0.5, 3)])
    await labeling.page.keyboard.down("Shift")
    await labeling.drag(1, 1.5)
    assert near(await spans(labeling), [(1, 3.5)])
    await labeling.drag(2, 4)  # it stops at the end
    await labeling.page.keyboard.up("Shift")
    assert near(await spans(labeling), [(1.5, 4)])
    await labeling.drag(1.5, 3.999)  # an edge stops before the other
    [(onset_s, offset_s)] = await spans(labeling)
    assert offset_s - onset_s == pytest.approx(0.02)


async def test_a_click_selects_the_shortest_mark_under_it(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2)
    await labeling.press("w")
    await labeling.page.mouse.click(*await labeling.at(1.5))
    await labeling.press("1")
    assert await labeling.marks() == ["1 0.00 – 4.00 s no class yet", "2 1.00 – 2.00 s Engine"]


async def test_a_second_begin_is_a_second_mark(labeling: LabelingPage) -> None:
    await labeling.put_cursor(1)
    await labeling.press("i", ".", "i", ".", "o", ".", "o")
    assert await spans(labeling) == [(1, 2.5), (1.5, 2)]
    await labeling.press("o")
    await labeling.shows("No mark has begun")
    assert await spans(labeling) == [(1, 2.5), (1.5, 2)]


async def test_a_mark_cannot_end_before_it_begins(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2)
    await labeling.put_cursor(3)
    await labeling.press("k", *["."] * 4, "Shift+I")
    await labeling.shows("Mark 1 would end at 2.00 s, and begin at 3.00 s. It stays 1.00 – 2.00 s.")
    await labeling.press("Home", "Shift+O")
    await labeling.shows("Mark 1 would end at 0.00 s, and begin at 1.00 s. It stays 1.00 – 2.00 s.")
    await labeling.press("Escape", "i", "Home", "o")
    await labeling.shows("would end at 0.00 s")
    await labeling.press(".", ".", ".", "o")
    assert await spans(labeling) == [(0, 1.5), (1, 2)]


async def test_edges_are_typed_with_a_point_or_a_comma(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2)

    async def type_edge(name: str, text: str) -> list[tuple[float, float]]:
        await labeling.page.get_by_label(name).fill(text)
        await labeling.page.get_by_label(name).press("Enter")
        return await spans(labeling)

    assert await type_edge("Offset", "2,35") == [(1, 2.35)]
    assert await type_edge("Offset", "2.75") == [(1, 2.75)]
    assert await type_edge("Onset", "۰٫۷۵") == [(0.75, 2.75)]
    for text, answer in {
        "99": "The audio goes from 0 to 4.00 s. It stays 0.75 – 2.75 s.",
        "-1": "The audio goes from 0 to 4.00 s.",
        "0.5": "Mark 1 would end at 0.50 s, and begin at 0.75 s.",
        "1,234.5": "“1,234.5” is no number of seconds. Mark 1 stays 0.75 – 2.75 s.",
        "": "“” is no number of seconds.",
    }.items():
        assert await type_edge("Offset", text) == [(0.75, 2.75)]
        await labeling.shows(answer)
        assert await labeling.page.get_by_label("Offset").input_value() == "2.75"


async def test_a_key_that_deletes_what_a_hand_moves_ends_the_move(labeling: LabelingPage) -> None:
    for moved_to_s in (2, 3):  # before it moves, and while it does
        await labeling.drag(1, 2)
        await labeling.page.mouse.move(*await labeling.at(2))
        await labeling.page.mouse.down()
        await labeling.page.mouse.move(*await labeling.at(moved_to_s), steps=3)
        await labeling.press("Delete")
        await labeling.page.mouse.move(*await labeling.at(3.5))
        await labeling.page.mouse.up()
        assert await labeling.marks() == []


async def test_playing_a_mark_ends_at_its_offset(labeling: LabelingPage) -> None:
    await labeling.drag(1, 1.5)
    [(_, offset_s)] = await spans(labeling)
    await labeling.press("p")
    await labeling.shows(f"{offset_s:.2f} / 4.00 s")
    await labeling.page.get_by_role("button", name="Play Space").wait_for()


async def test_the_shortest_audio_can_be_marked(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose_recordings(*(recording(np.full(n, 0.5), RATE_HZ) for n in (1, 2, 100, 400)))
    labeling = await gateway.labeling_page()
    for place in (1, 2, 3, 4):
        await labeling.shows(f"Audio {place} of 4")
        await labeling.is_ready()
        await labeling.press("w", "1", "Enter")
    await gateway.submissions(4)
    lengths = [offset_s - onset_s for _, _, onset_s, offset_s in await gateway.said()]
    assert lengths == pytest.approx([n / RATE_HZ for n in (1, 2, 100, 400)])


async def test_a_mark_gets_the_classes_of_the_last_by_one_key(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine", "Gull", "Horn")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    await labeling.press("a")
    await labeling.shows("Nothing has been given a class yet")
    await labeling.put_cursor(1)
    await labeling.press("i", ".", "o", "1", "2")
    await labeling.put_cursor(2)
    await labeling.press("i", ".", "o", "a")
    await labeling.put_cursor(3)
    await labeling.press("i", ".", "o", "3", "3", "2", "a")
    assert await labeling.marks() == [
        "1 1.00 – 1.50 s Engine, Gull",
        "2 2.00 – 2.50 s Engine, Gull",
        "3 3.00 – 3.50 s Gull",
    ]
    await labeling.press("k", "a", "a", "Control+z", "Control+z")  # it has them, so nothing was changed
    assert (await labeling.marks())[-1] == "3 3.00 – 3.50 s Horn"
    await labeling.press("Control+Shift+z", "Control+Shift+z", "Enter")
    await labeling.comes_to(2)
    await labeling.press("a")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Gull"]
