"""What BAT's admin pages say, as values: pure functions from HTML. Reading them changes nothing in BAT."""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from label_gateway.bat.errors import UnexpectedPage
from label_gateway.bat.parsing import described, parsed

A_PAGE = 100
"""Rows that a list shows at once."""


@dataclass(frozen=True)
class Row:
    """A row of a list: the thing's number, and what it calls itself."""

    bat_id: int
    label: str


@dataclass(frozen=True)
class Marks:
    """A region, or an event with its class (empty: none yet), in seconds from the start of the segment."""

    annotation_id: int
    start_s: float
    end_s: float
    tags: tuple[str, ...]
    class_name: str = ""


@dataclass(frozen=True)
class Prominence:
    """How much one class of a region stands out, from 1 to 5; None where nobody has said."""

    region_id: int
    class_name: str
    prominence: int | None


def rows(html: str, model: str) -> list[Row]:
    """One page of a list. Raises `UnexpectedPage`."""
    expected = f"the admin's list of {model}s"
    page = parsed(html)
    if not page.css_first("form#changelist-form"):
        raise UnexpectedPage(expected, described(html))
    found = []
    for link in page.css("th.field-__str__ a"):
        at = re.search(rf"/{model}/([0-9]+)/change/", link.attributes.get("href") or "")
        if not at:
            raise UnexpectedPage(expected, f"a row that leads to {link.attributes.get('href')!r}")
        found.append(Row(int(at[1]), link.text(deep=True).strip()))
    return found


def region(html: str) -> Marks:
    """The change page of a region."""
    return _marks(_form(html, "region"))


def event(html: str) -> Marks:
    """The change page of an event, with its class."""
    form = _form(html, "event")
    marks, chosen = _marks(form), _chosen(form, "event_class")
    name = chosen[1] if chosen else ""
    return Marks(marks.annotation_id, marks.start_s, marks.end_s, marks.tags, name)


def prominence(html: str) -> Prominence:
    """The change page of a class of a region."""
    form = _form(html, "classprominence")
    in_region, named, given = (_chosen(form, field) for field in ("region", "class_obj", "prominence"))
    if not in_region or not named:
        raise UnexpectedPage("a class of a region", "a form that lacks one of them")
    return Prominence(int(in_region[0]), named[1], int(given[0]) if given else None)


def _form(html: str, model: str) -> LexborNode:
    form = parsed(html).css_first(f"form#{model}_form")
    if form is None:
        raise UnexpectedPage(f"the admin's page of a {model}", described(html))
    return form


def _marks(form: LexborNode) -> Marks:
    annotation = _chosen(form, "annotation")
    if not annotation:
        raise UnexpectedPage("the annotation of what was marked", "a form that names none")
    tags = tuple(sorted(_label(one) for one in _selected(form, "tags")))
    return Marks(int(annotation[0]), _seconds(form, "start_time"), _seconds(form, "end_time"), tags)


def _seconds(form: LexborNode, field: str) -> float:
    written = form.css_first(f"input[name={field}]")
    value = (written.attributes.get("value") if written else None) or ""
    try:
        return float(value)
    except ValueError:
        raise UnexpectedPage(f"a time as {field}", repr(value[:80])) from None


def _chosen(form: LexborNode, field: str) -> tuple[str, str] | None:
    """The value and the text of the one option that is selected; None for the empty one."""
    selected = _selected(form, field)
    if len(selected) > 1 or not form.css_first(f"select[name={field}]"):
        raise UnexpectedPage(f"one choice of {field}", f"{len(selected)} of them")
    value = (selected[0].attributes.get("value") or "") if selected else ""
    return (value, _label(selected[0])) if value else None


def _selected(form: LexborNode, field: str) -> list[LexborNode]:
    return form.css(f"select[name={field}] option[selected]")


def _label(option: LexborNode) -> str:
    return option.text(deep=True)
