"""The page on which a labeler annotates in BAT, as values. Opening it disturbs labelers: see docs/bat.md."""

import html
import json
import re
from dataclasses import dataclass, field

from label_gateway.bat.errors import UnexpectedPage
from label_gateway.bat.parsing import described

EXPECTED = "the page of an annotation"


@dataclass(frozen=True)
class Item:
    """An event, or a region once there are regions; in seconds from the segment's start.

    `classes`: their names, in BAT's order; `prominences`: of a region with several, 0 where nobody has said.
    """

    kind: str
    item_id: int
    start_s: float
    end_s: float
    classes: tuple[str, ...]
    tags: tuple[str, ...] = ()
    prominences: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AnnotationPage:
    """All that the page says; `padding_s` on both sides of the segment, which times do not count."""

    padding_s: float
    audio: str
    classes: tuple[str, ...]
    overlaps: bool
    items: tuple[Item, ...]


def annotation_page(text: str) -> AnnotationPage:
    """The page's values. Raises `UnexpectedPage`, also where one item of several was not understood."""
    body = _part(text, r"function loadRegions\(wavesurfer\)\s*\{((?:[^'f]|'[^']*'|f(?!unction ))*)function ")
    items = tuple(_items(body))
    written = re.sub("'[^']*'", "''", body).count("addRegion(")  # a tag may say anything
    if len(items) != written:
        raise UnexpectedPage(EXPECTED, f"{written} items, of which {len(items)} can be read")
    return AnnotationPage(
        float(_part(text, r"function getPadding\(\)\s*\{\s*return\s+([0-9.e+-]+);")),
        _part(text, r"wavesurfer\.load\([\"']([^\"']*)[\"']\)"),
        _class_names(_part(text, r"var CLASS_DICT = (\[.*)")),
        _part(text, r"var ALLOW_OVERLAPS = (true|false)") == "true",
        items,
    )


_NUMBER = r"-?[0-9.]+(?:e[+-]?[0-9]+)?"
_STATEMENT = re.compile(
    r"tags\.push\('(?P<tag>[^']*)'\)"
    r"|(?P<cleared>var tags = \[\];)"
    rf"|handler\.addRegion\(\s*wavesurfer,\s*'(?P<kind>event|region)',\s*'(?P<classes>[^']*)',\s*tags,"
    rf"\s*(?P<id>[0-9]+),\s*(?P<start>{_NUMBER}) \+ {_NUMBER},\s*(?P<end>{_NUMBER}) \+ {_NUMBER},"
    rf"\s*'[^']*',\s*(?:false|true)\s*\)"
    r"|classProminences\['(?P<of>[^']*)'\]\s*=\s*(?P<prominence>[0-9]+);"
)


def _items(body: str) -> list[Item]:
    found: list[Item] = []
    tags: list[str] = []
    for statement in _STATEMENT.finditer(body):
        if statement["cleared"]:
            tags = []
        elif statement["tag"] is not None:
            tags.append(html.unescape(statement["tag"]))
        elif statement["kind"]:
            names = html.unescape(statement["classes"])
            classes = tuple(names.split(" ") if statement["kind"] == "region" else [names]) if names else ()
            times = float(statement["start"]), float(statement["end"])
            found.append(Item(statement["kind"], int(statement["id"]), *times, classes, tuple(tags)))
        elif not found:
            raise UnexpectedPage(EXPECTED, "a prominence of no region")
        else:
            found[-1].prominences[html.unescape(statement["of"])] = int(statement["prominence"])
    return found


def _class_names(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(row[0]) for row in json.JSONDecoder().raw_decode(text)[0])
    except (ValueError, LookupError, TypeError) as error:
        raise UnexpectedPage(EXPECTED, f"classes that are no JSON ({error})") from None


def _part(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    if not found:
        raise UnexpectedPage(EXPECTED, described(text))
    return found[1]
