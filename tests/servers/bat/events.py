"""What the labeling page tells as it is used: no login, and nobody asks whose annotation it is.

Times come on the axis of what is heard, with the page's padding; they are kept without it, unchecked.
"""

import json
from typing import Any

from starlette.responses import Response

from servers.bat.annotation_page import classes_of
from servers.bat.answers import DoesNotExist, json_answer
from servers.bat.call import Call

LONGEST = 50


class DataError(Exception):
    """What the database raises for a text that is too long."""


def update_end_event(call: Call) -> Response:
    """A new event, or one that is moved."""
    sent = json.loads(call.sent("region_data"))
    if not call.state.row("SELECT id FROM annotations WHERE id = ?", sent["annotation"]):
        return json_answer({"error": "Annotation does not exist"})
    start, end = _times(sent)
    event = sent.get("event_id")
    if event is None:
        event = call.state.add(
            "events",
            annotation_id=sent["annotation"],
            class_id=None,
            start_time=start,
            end_time=end,
            color="",
        )
    elif not call.state.row("SELECT id FROM events WHERE id = ?", event):
        return json_answer({"error": "Event does not exist"})
    else:
        call.state.db.execute(
            "UPDATE events SET start_time = ?, end_time = ? WHERE id = ?", (start, end, event)
        )
    _unfinish(call, sent["annotation"])
    return json_answer({"event_id": event})


def update_event(call: Call) -> Response:
    """Times, color, class and tags of an event."""
    sent = json.loads(call.sent("region_data"))
    event = call.state.row("SELECT * FROM events WHERE id = ?", sent["event_id"])
    if event is None:
        return json_answer({"error": "Event does not exist"})
    start, end = _times(sent)
    chosen = sent["event_class"]
    class_id = _class(call, chosen) if chosen else event["class_id"]
    call.state.db.execute(
        "UPDATE events SET start_time = ?, end_time = ?, color = ?, class_id = ? WHERE id = ?",
        (start, end, _short(sent["color"]), class_id, event["id"]),
    )
    if "tags" in sent:
        call.state.db.execute("DELETE FROM event_tags WHERE event_id = ?", (event["id"],))
        _tag(call, "event", event["id"], sent["tags"])
    _unfinish(call, event["annotation_id"])
    return json_answer({})


def remove_event(call: Call) -> Response:
    sent = json.loads(call.sent("region_data"))
    event = call.state.row("SELECT * FROM events WHERE id = ?", sent["event_id"])
    if event is None:
        return json_answer({"error": "Event does not exist"})
    call.state.db.execute("DELETE FROM events WHERE id = ?", (event["id"],))
    _unfinish(call, event["annotation_id"])
    return json_answer({})


def create_region(call: Call) -> Response:
    """A slice of what overlaps; how salient its classes are is told after."""
    sent = json.loads(call.sent("region_data"))
    if not call.state.row("SELECT id FROM annotations WHERE id = ?", sent["annotation"]):
        raise DoesNotExist("Annotation matching query does not exist.")
    start, end = _times(sent)
    region = call.state.add(
        "regions",
        annotation_id=sent["annotation"],
        start_time=start,
        end_time=end,
        color=_short(sent["color"]),
    )
    for name in sent["classes"].split():
        call.state.add("prominences", region_id=region, class_id=_class(call, name), prominence=None)
    _tag(call, "region", region, sent.get("tags", []))
    return json_answer({"region_id": region})


def remove_regions(call: Call) -> Response:
    """ "Back to annotation": regions go, and events without a class; a finished annotation stays finished."""
    sent = json.loads(call.sent("back_data"))
    annotation, padding = sent["annotation"], float(sent["padding"])
    call.state.db.execute("DELETE FROM regions WHERE annotation_id = ?", (annotation,))
    call.state.db.execute("DELETE FROM events WHERE annotation_id = ? AND class_id IS NULL", (annotation,))
    events = call.state.rows(
        "SELECT events.*, name FROM events JOIN classes ON classes.id = class_id WHERE annotation_id = ?",
        annotation,
    )
    return json_answer(
        {
            str(rank): {
                "event_id": event["id"],
                "start_time": event["start_time"] + padding,
                "end_time": event["end_time"] + padding,
                "event_class": event["name"],
                "color": event["color"],
            }
            for rank, event in enumerate(events)
        }
    )


def update_class_prominence(call: Call) -> Response:
    """Of a class of a region; one that it has not is added to it."""
    sent = json.loads(call.sent("prom_dict"))
    if not call.state.row("SELECT id FROM regions WHERE id = ?", sent["region_id"]):
        raise DoesNotExist("Region matching query does not exist.")
    prominence = int(sent["prominence"])
    if prominence < 0:
        raise DataError("value out of range")
    pairs = {row["name"]: row["id"] for row in classes_of(call, sent["region_id"])}
    pair = pairs.get(sent["class_name"])
    if pair is None:
        class_id = _class(call, sent["class_name"])
        call.state.add("prominences", region_id=sent["region_id"], class_id=class_id, prominence=prominence)
    else:
        call.state.db.execute("UPDATE prominences SET prominence = ? WHERE id = ?", (prominence, pair))
    return json_answer({})


def _times(sent: dict[str, Any]) -> tuple[float, float]:
    padding = float(sent["padding"])
    return float(sent["start_time"]) - padding, float(sent["end_time"]) - padding


def _class(call: Call, name: str) -> int:
    found = call.state.value("SELECT id FROM classes WHERE name = ?", name)
    if found is None:
        raise DoesNotExist("Class matching query does not exist.")
    return found


def _short(text: str) -> str:
    if len(text) > LONGEST:
        raise DataError(f"value too long for type character varying({LONGEST})")
    return text


def _tag(call: Call, kind: str, row: int, tags: list[str]) -> None:
    for tag in tags:
        found = call.state.value("SELECT id FROM tags WHERE name = ?", _short(tag))
        found = found or call.state.add("tags", name=tag)
        call.state.db.execute(f"INSERT INTO {kind}_tags VALUES (?, ?)", (row, found))


def _unfinish(call: Call, annotation: int) -> None:
    call.state.db.execute("UPDATE annotations SET status = 'unfinished' WHERE id = ?", (annotation,))
