"""Reading what one user has said of one wav, with as little harm as can be.

The admin's pages disturb nobody. The page of an annotation tells the same where they fail, but opening it
takes the audio away from whoever opens theirs at that moment: only while nobody has for a while.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from urllib.parse import quote, unquote

from label_gateway.bat.admin import Marks
from label_gateway.bat.annotation_page import Item
from label_gateway.bat.answers import OUTSIDE, TOO_MANY, NotTaken
from label_gateway.bat.client import Bat
from label_gateway.bat.errors import UnexpectedPage
from label_gateway.bat.spans import Span, needs_events, said
from label_gateway.labeling.submissions import MOST_EVENTS

QUIET_S = 15.0
"""Nobody has opened a page for so long: whoever has, has their audio by now."""

MOST_REGIONS = 4 * MOST_EVENTS
_OPENED = "tmp/tmp/"
"""Where BAT puts the audio of the page that was opened last."""


class BeingReworked(Exception):
    """Raised where somebody is at an annotation just now, finished or not: it is read later."""


@dataclass(frozen=True)
class Said:
    """What an annotation says. `region_ids`: finished anew after a change, it has others."""

    spans: tuple[Span, ...]
    region_ids: tuple[int, ...]


async def by_admin(bat: Bat, annotation_id: int) -> Said:
    """Read it by the admin's pages. Raises `BeingReworked`, `NotTaken`, and what BAT does."""
    region_ids = await region_ids_of(bat, annotation_id)
    if not region_ids and await bat.events(annotation_id):
        raise BeingReworked
    regions: list[Span] = []
    for region_id in region_ids:
        marks = await bat.region(region_id)
        if marks.annotation_id != annotation_id:
            raise UnexpectedPage(f"a region of annotation {annotation_id}", f"one of {marks.annotation_id}")
        names = [row.label for row in await bat.prominences(region_id)] or [""]
        regions += [_span(name, marks) for name in names]
    events = await _events(bat, annotation_id) if needs_events(regions) else []
    return Said(tuple(said(regions, events)), region_ids)


async def by_its_page(bat: Bat, project_id: int, annotation_id: int) -> Said:
    """Read it by its page: only where `is_quiet`. Raises `BeingReworked`, `NotTaken`, and what BAT does."""
    page = await bat.annotation_page(project_id, annotation_id)
    if any(item.kind == "event" for item in page.items):
        raise BeingReworked
    regions = [_span(name, item) for item in page.items for name in item.classes or ("",)]
    return Said(tuple(said(regions, [])), tuple(sorted(item.item_id for item in page.items)))


async def is_quiet(bat: Bat) -> bool:
    """Whether nobody has opened a page for a while, by BAT's own clock."""
    listed = await bat.session.ask("GET", _OPENED)
    for name in re.findall(r'<a href="([^"/]+)"', listed.text if listed.is_success else ""):
        answer = await bat.session.ask("HEAD", _OPENED + quote(unquote(name)))
        if answer.status_code == 404:  # opened at this moment
            return False
        opened_at, now = answer.headers.get("last-modified"), answer.headers.get("date")
        if not opened_at or not now:
            raise UnexpectedPage("when a page was opened last", "an audio without its time")
        if (parsedate_to_datetime(now) - parsedate_to_datetime(opened_at)).total_seconds() < QUIET_S:
            return False
    return True


async def region_ids_of(bat: Bat, annotation_id: int) -> tuple[int, ...]:
    """In order. Raises `NotTaken` for more than anybody marks."""
    region_ids = tuple(sorted(row.bat_id for row in await bat.regions(annotation_id)))
    if len(region_ids) > MOST_REGIONS:
        raise NotTaken(TOO_MANY, f"{len(region_ids)} regions")
    return region_ids


async def _events(bat: Bat, annotation_id: int) -> list[Span]:
    found = []
    for row in await bat.events(annotation_id):
        marks = await bat.event(row.bat_id)
        found.append(_span(marks.class_name, marks))
    return found


def _span(name: str, marked: Marks | Item) -> Span:
    if not isfinite(marked.start_s) or not isfinite(marked.end_s):
        raise NotTaken(OUTSIDE, f"{name} from {marked.start_s} s to {marked.end_s} s")
    return Span(name, marked.start_s, marked.end_s)
