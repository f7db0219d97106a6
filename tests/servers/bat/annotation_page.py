"""The page on which people label: all that it knows stands in its last script. To view it has an effect."""

import json
import shutil

from starlette.responses import Response

from servers.bat.answers import page
from servers.bat.call import Call
from servers.bat.door import token
from servers.bat.python2 import escaped, printed, shown
from servers.bat.wav_files import padded, padding_s

SCRIPT = """<div id="waveform"></div>
<script src="/static/js/annotator.js"></script>
<script>
var CLASS_DICT = {classes};
var ALLOW_OVERLAPS = {overlap};
function getPadding() {{ return {padding}; }}
wavesurfer.load("/tmp/tmp/{audio}");
function loadRegions(wavesurfer) {{
    {items}
}}
function updateEvent(region) {{
}}
</script>"""


def annotation_page(call: Call, project_id: int, annotation_id: int) -> Response:
    """The audio is found by the annotation alone; `project_id` decides classes and overlaps."""
    token(call)
    segment = call.state.row(
        "SELECT segments.*, file FROM annotations JOIN segments ON segments.id = segment_id"
        " JOIN wavs ON wavs.id = wav_id WHERE annotations.id = ?",
        annotation_id,
    )
    assert segment
    padding = printed(padding_s(segment["end_time"] - segment["start_time"]))
    script = SCRIPT.format(
        classes=json.dumps(_class_dict(call, project_id)),
        overlap=json.dumps(bool(call.state.value("SELECT overlap FROM projects WHERE id = ?", project_id))),
        padding=padding,
        audio=_lay_audio(call, segment["file"]),
        items="\n    ".join(_items(call, annotation_id, padding)),
    )
    return page("Annotation", script)


def _lay_audio(call: Call, file: str) -> str:
    """The folder is removed and made again, whoever still wanted to fetch what lay in it."""
    shutil.rmtree(call.folder / "tmp", ignore_errors=True)
    (call.folder / "tmp").mkdir()
    heard = padded((call.folder / file).read_bytes())
    name = file.rpartition("/")[2]
    (call.folder / "tmp" / name).write_bytes(heard)
    return name


def _class_dict(call: Call, project_id: int) -> list[list]:
    rows = call.state.rows(
        "SELECT name, color FROM class_instances JOIN classes ON classes.id = class_id"
        " WHERE project_id = ? ORDER BY name",
        project_id,
    )
    return [[row["name"], row["color"], rank] for rank, row in enumerate(rows, 1)]


def _items(call: Call, annotation_id: int, padding: str) -> list[str]:
    """Regions where there are some; else events."""
    lines = []
    for region in call.state.rows("SELECT * FROM regions WHERE annotation_id = ? ORDER BY id", annotation_id):
        classes = classes_of(call, region["id"])
        names = " ".join(shown(row["name"]) for row in classes)
        lines += _item(call, "region", names, dict(region), padding)
        if len(classes) > 1:
            lines += [
                f"region.attributes.classProminences['{escaped(row['name'])}'] = {row['prominence'] or 0};"
                for row in classes
            ]
    if lines:
        return lines
    events = call.state.rows(
        "SELECT events.*, name FROM events LEFT JOIN classes ON classes.id = class_id"
        " WHERE annotation_id = ? ORDER BY events.id",
        annotation_id,
    )
    for event in events:
        lines += _item(call, "event", shown(event["name"] or ""), dict(event), padding)
    return lines


def classes_of(call: Call, region_id: int):
    """Rows of the classes of a region, sorted by name."""
    return call.state.rows(
        "SELECT name, prominence, prominences.id FROM prominences JOIN classes ON classes.id = class_id"
        " WHERE region_id = ? ORDER BY name",
        region_id,
    )


def _item(call: Call, kind: str, names: str, row: dict, padding: str) -> list[str]:
    start, end = printed(row["start_time"]), printed(row["end_time"])
    tags = [
        tag["name"]
        for tag in call.state.rows(
            f"SELECT name FROM {kind}_tags JOIN tags ON tags.id = tag_id WHERE {kind}_id = ?",
            row["id"],
        )
    ]
    return [
        "var tags = [];",
        *(f"tags.push('{escaped(tag)}');" for tag in tags),
        f"handler.addRegion(wavesurfer, '{kind}', '{escaped(names)}', tags, {row['id']},"
        f" {start} + {padding}, {end} + {padding}, '{escaped(row['color'])}', false);",
    ]
