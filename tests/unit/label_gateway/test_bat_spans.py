"""Slices of BAT become the events again that a labeler marked."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_gateway.bat.spans import Outside, Span, inside, merged, needs_events, said

TENTHS = st.integers(0, 100).map(lambda tenths: tenths / 10)
SPANS = st.builds(
    lambda name, ends: Span(name, min(ends), max(ends)),
    st.sampled_from(["gull", "engine", "rain"]),
    st.tuples(TENTHS, TENTHS).filter(lambda ends: ends[0] != ends[1]),
)


def sliced(events: list[Span]) -> list[Span]:
    """As BAT keeps them once overlaps are solved: cut wherever one begins or ends, with every class in it."""
    times = sorted({time for event in events for time in (event.start_s, event.end_s)})
    return [
        Span(name, start, end)
        for start, end in itertools.pairwise(times)
        for name in sorted({it.class_name for it in events if it.start_s <= start and end <= it.end_s})
    ]


def sounding(spans: list[Span], name: str, time_s: float) -> bool:
    return any(it.class_name == name and it.start_s <= time_s < it.end_s for it in spans)


@given(st.lists(SPANS, max_size=6, unique=True))
def test_with_the_events_beside_them_slices_become_what_was_marked(events):
    assert said(sliced(events), events) == sorted(events)


@given(st.lists(SPANS, max_size=6, unique=True))
def test_without_the_events_each_class_sounds_when_it_did(events):
    whole = merged(sliced(events))
    for name, tenth in itertools.product(("gull", "engine", "rain"), range(100)):
        time_s = tenth / 10 + 0.05
        assert sounding(whole, name, time_s) == sounding(events, name, time_s)
    for one, other in itertools.pairwise(whole):
        assert one.class_name != other.class_name or one.end_s < other.start_s


def test_an_event_that_others_cut_is_one_again():
    gull, engine = Span("gull", 1, 7), Span("engine", 3, 4)
    slices = sliced([gull, engine])
    assert len(slices) == 4
    assert merged(slices) == [engine, gull]
    assert needs_events(slices)


def test_two_that_touch_stay_two_where_the_events_say_so():
    calls = [Span("gull", 1, 2), Span("gull", 2, 3)]
    assert needs_events(calls)
    assert said(calls, calls) == calls
    assert said(calls, []) == [Span("gull", 1, 3)]


def test_what_was_finished_counts_where_somebody_has_gone_on_with_the_events():
    finished = [Span("gull", 1, 2), Span("gull", 2, 3)]
    assert said(finished, [Span("gull", 1, 3), Span("engine", 5, 6)]) == [Span("gull", 1, 3)]
    assert said(finished, [Span("gull", 1, 3.002)]) == [Span("gull", 1, 3)]


def test_slices_apart_need_no_events():
    assert not needs_events([Span("gull", 1, 2), Span("gull", 2.001, 3), Span("engine", 2, 3)])


def test_slices_that_the_printing_of_numbers_has_moved_apart_are_one():
    assert merged([Span("gull", 0.1, 0.3), Span("gull", 0.3000000000004, 0.5)]) == [Span("gull", 0.1, 0.5)]


@pytest.mark.parametrize(
    ("marked", "kept"),
    [
        ((0, 10), (0, 10)),
        ((4, 4.01), (4, 4.01)),
        ((-0.5, 1), (0, 1)),
        ((9, 10.5), (9, 10)),
        ((-0.5, 10.5), (0, 10)),
        ((-1e-9, 10 + 1e-9), (0, 10)),
    ],
)
def test_what_reaches_into_the_silence_around_an_audio_is_cut(marked, kept):
    assert inside(Span("gull", *marked), 10, 10) == Span("gull", *kept)


@pytest.mark.parametrize(
    "marked",
    [
        (3, 3),
        (4, 3),
        (-0.4, -0.1),
        (-0.4, 0),
        (10, 10.4),
        (-0.6, 1),
        (9, 10.6),
        (float("nan"), 1),
        (0, float("inf")),
    ],
)
def test_what_is_not_in_the_audio_is_said_and_never_moved_into_it(marked):
    with pytest.raises(Outside, match="gull from"):
        inside(Span("gull", *marked), 10, 10)


def test_of_an_audio_that_was_made_longer_only_what_was_recorded_counts():
    """BAT opens nothing shorter than 0.1 s, so what is shorter goes there with silence at its end."""
    assert inside(Span("gull", 0, 0.2), 0.05, 0.2) == Span("gull", 0, 0.05)
    with pytest.raises(Outside):
        inside(Span("gull", 0.1, 0.2), 0.05, 0.2)
