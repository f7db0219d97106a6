"""What an annotation in BAT says, as events of an audio: pure functions.

BAT keeps what a labeler marked as events, and what they finished as regions: slices that do not overlap, each
with all classes that sound in it. An event that another one cuts becomes several slices, put together here.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOUCHING_S = 1e-6
"""Slices nearer to each other than this are one: BAT writes times with twelve digits."""

SAME_S = 1e-3
"""Within this, what events cover is what regions cover."""

PADDING = 1 / 20
"""Part of an audio that BAT shows as silence on either side of it; a mark may reach into it."""


@dataclass(frozen=True, order=True)
class Span:
    """A sound of one class, in seconds from the start of the audio, by its name in BAT."""

    class_name: str
    start_s: float
    end_s: float


class Outside(Exception):
    """Raised for a span that is not in the audio, or that ends before it begins; the message names it."""

    def __init__(self, span: Span) -> None:
        super().__init__(f"{span.class_name} from {span.start_s:g} s to {span.end_s:g} s")


def merged(slices: Iterable[Span]) -> list[Span]:
    """Slices of one class that touch or overlap as one span each. What ends before it begins stays."""
    found: list[Span] = []
    for one in sorted(slices):
        last = found[-1] if found else None
        if (
            last
            and last.class_name == one.class_name
            and last.start_s <= last.end_s
            and one.start_s <= one.end_s
            and one.start_s <= last.end_s + TOUCHING_S
        ):
            found[-1] = Span(last.class_name, last.start_s, max(last.end_s, one.end_s))
        else:
            found.append(one)
    return found


def said(regions: Sequence[Span], events: Sequence[Span]) -> list[Span]:
    """The labeler's own spans: the events where they cover what the regions do, else the regions.

    The regions are what was finished. Events differ from them where somebody went on after finishing.
    """
    whole = merged(regions)
    return sorted(events) if _cover(merged(events), whole) else whole


def needs_events(regions: Sequence[Span]) -> bool:
    """Whether slices touch, so that only the events tell one that was cut from two that touch."""
    return len(merged(regions)) < len(regions)


def inside(span: Span, duration_s: float, shown_s: float) -> Span:
    """The span within an audio of `duration_s`, of which BAT shows `shown_s`, silence at the end included.

    What reaches into the silence on either side is cut. Raises `Outside`.
    """
    margin_s = shown_s * PADDING + 0.005 + TOUCHING_S  # BAT rounds it to hundredths
    if not -margin_s <= span.start_s < span.end_s <= shown_s + margin_s:
        raise Outside(span)
    cut = Span(span.class_name, max(span.start_s, 0.0), min(span.end_s, duration_s))
    if cut.end_s <= cut.start_s:
        raise Outside(span)
    return cut


def _cover(one: Sequence[Span], other: Sequence[Span]) -> bool:
    by_class: dict[str, list[list[Span]]] = defaultdict(lambda: [[], []])
    for place, spans in enumerate((one, other)):
        for span in spans:
            by_class[span.class_name][place].append(span)
    return all(
        len(ours) == len(theirs)
        and all(
            abs(a.start_s - b.start_s) <= SAME_S and abs(a.end_s - b.end_s) <= SAME_S
            for a, b in zip(ours, theirs, strict=True)
        )
        for ours, theirs in by_class.values()
    )
