"""The way to the next segment, and who may see which annotation."""

from datetime import datetime

from starlette.responses import Response

from servers.bat.annotation_page import annotation_page
from servers.bat.answers import HOME, Refused, alert, json_answer, not_found, page, redirect
from servers.bat.call import Call
from servers.bat.door import token_field
from servers.bat.python2 import escaped, shown

NONE_LEFT = "There are no more segments to annotate."


def new_annotation(call: Call) -> Response:
    """The list of all projects; with `project` the next segment; with `annotation` its page."""
    if "project" not in call.query:
        return _choice(call)
    project_id = int(call.asked("project"))
    project = call.state.row("SELECT * FROM projects WHERE id = ?", project_id)
    if project is None:
        return not_found()
    if "annotation" in call.query:
        return _page(call, project_id, int(call.asked("annotation")))
    annotation = next_annotation(call, project_id)
    if annotation is None:
        return page("Annotation", f'<p class="alert-danger">{NONE_LEFT}</p>')
    return redirect(f"{HOME}new_annotation/?project={project_id}&annotation={annotation}")


def next_annotation(call: Call, project_id: int) -> int | None:
    """A new annotation of whoever asks, of a segment on which they have none; None where they have all."""
    assert call.user
    segment = next_segment(call, project_id)
    if segment is None:
        return None
    name = f"{shown(segment['name'])}_{call.user['name']}"
    return call.state.add(
        "annotations",
        segment_id=segment["id"],
        user_id=call.user["id"],
        name=name,
        status="unfinished",
        made_at=datetime.now().isoformat(),
    )


def next_segment(call: Call, project_id: int):
    """Everybody is offered every segment, in the order of the database: not that of the uploads."""
    assert call.user
    return call.state.row(
        "SELECT segments.* FROM segments JOIN wavs ON wavs.id = wav_id WHERE project_id = ? AND NOT EXISTS"
        " (SELECT 1 FROM annotations WHERE segment_id = segments.id AND user_id = ?)"
        " ORDER BY segments.id * 7919 % 101, segments.id LIMIT 1",
        project_id,
        call.user["id"],
    )


def remove(call: Call, annotation_id: str) -> Response:
    """DELETE of an annotation, by the button in the list."""
    if not call.state.row("SELECT id FROM annotations WHERE id = ?", annotation_id):
        return not_found(wants_json=True)
    call.state.db.execute("DELETE FROM annotations WHERE id = ?", (annotation_id,))
    return Response(status_code=204)


def finish(call: Call, annotation_id: str) -> Response:
    """Regions from the events unless there are some; then it is finished; perhaps the next one is made."""
    state = call.state
    annotation = state.row(
        "SELECT annotations.id, project_id FROM annotations JOIN segments ON segments.id = segment_id"
        " JOIN wavs ON wavs.id = wav_id WHERE annotations.id = ?",
        annotation_id,
    )
    if annotation is None:
        return not_found(wants_json=True)
    loads_next = call.sent("load next") == "1"
    if not state.row("SELECT id FROM regions WHERE annotation_id = ?", annotation_id):
        _copy_events(call, annotation["id"])
    state.db.execute("UPDATE annotations SET status = 'finished' WHERE id = ?", (annotation_id,))
    if next_segment(call, annotation["project_id"]) is None:
        return json_answer({"next_annotation_url": ""})
    if not loads_next:
        return json_answer({})
    new = next_annotation(call, annotation["project_id"])
    where = f"{HOME}new_annotation/?project={annotation['project_id']}&annotation={new}"
    return json_answer({"next_annotation_url": where})


def _copy_events(call: Call, annotation_id: int) -> None:
    for event in call.state.rows("SELECT * FROM events WHERE annotation_id = ?", annotation_id):
        if event["class_id"] is None:
            raise AttributeError("'NoneType' object has no attribute 'name'")
        if call.state.row("SELECT 1 FROM event_tags WHERE event_id = ?", event["id"]):
            raise TypeError("tags cannot be copied so")  # a tag without an overlap can never be finished
        region = call.state.add(
            "regions",
            annotation_id=annotation_id,
            start_time=event["start_time"],
            end_time=event["end_time"],
            color=event["color"],
        )
        call.state.add("prominences", region_id=region, class_id=event["class_id"], prominence=5)


def _page(call: Call, project_id: int, annotation_id: int) -> Response:
    assert call.user
    owner = call.state.value("SELECT user_id FROM annotations WHERE id = ?", annotation_id)
    if owner is None or not (call.user["superuser"] or owner == call.user["id"]):
        raise Refused(redirect(f"{HOME}new_annotation/"))
    return annotation_page(call, project_id, annotation_id)


def _choice(call: Call) -> Response:
    options = "".join(
        f'<option value="{row["id"]}">{escaped(row["name"])}</option>'
        for row in call.state.rows("SELECT * FROM projects")
    )
    said = "" if options else alert("There are no projects.")
    return page(
        "New annotation",
        f'{said}<form method="get">{token_field(call)}<select name="project">{options}</select></form>',
    )
