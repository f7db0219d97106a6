"""What a browser makes of BAT's labeling page."""

import html
import json
import re
from dataclasses import dataclass

ITEM = re.compile(
    r"handler\.addRegion\(wavesurfer, '(?P<kind>\w+)', '(?P<classes>[^']*)', tags, (?P<id>\d+),"
    r" (?P<start>[-+.e\d]+) \+ (?P<padding>[-+.e\d]+), (?P<end>[-+.e\d]+) \+ [-+.e\d]+, '[^']*', false\);"
)
SUFFIX = re.compile(r"_[0-9a-f]{7}(?=\.wav$)")
"""What a file gets whose name was taken on BAT's disk: no part of the wav's own name."""


@dataclass(frozen=True)
class Item:
    """An event, or a region where overlaps were solved; times in seconds of the audio."""

    kind: str
    item_id: int
    classes: list[str]
    start_s: float
    end_s: float


@dataclass(frozen=True)
class LabelingPage:
    """An annotation as its labeler sees it."""

    project_id: int
    annotation_id: int
    padding_s: float
    audio: str
    """The path at which its sound is fetched, if nobody is faster."""
    classes: list[str]
    allows_overlaps: bool
    items: list[Item]

    @property
    def wav(self) -> str:
        """The name of what is heard."""
        return SUFFIX.sub("", self.audio.rpartition("/")[2])


def labeling_page(text: str, project_id: int, annotation_id: int) -> LabelingPage:
    """Read from the page's last script."""
    body = text.partition("function loadRegions(wavesurfer)")[2].partition("function updateEvent(")[0]
    items = [
        Item(
            found["kind"],
            int(found["id"]),
            html.unescape(found["classes"]).split(),
            float(found["start"]),
            float(found["end"]),
        )
        for found in ITEM.finditer(body)
    ]
    assert body, f"this is not a labeling page: {text[:300]}"
    assert len(items) == body.count("addRegion("), body
    return LabelingPage(
        project_id,
        annotation_id,
        float(_found(r"function getPadding\(\) \{ return (\S+); \}", text)),
        _found(r'wavesurfer\.load\("([^"]+)"\)', text),
        [name for name, *_ in json.loads(_found(r"var CLASS_DICT = (.*);", text))],
        _found(r"var ALLOW_OVERLAPS = (\w+);", text) == "true",
        items,
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not on the page: {text[:300]}"
    return found[1]
