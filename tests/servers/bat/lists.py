"""The list of annotations: every one on one page, and nothing of when it was finished."""

from datetime import datetime

from starlette.responses import Response

from servers.bat.answers import page
from servers.bat.call import Call
from servers.bat.python2 import date, escaped

QUERY = (
    "SELECT annotations.*, users.name AS user, segments.name AS segment, wavs.name AS wav,"
    " projects.name AS project, projects.id AS project_id FROM annotations JOIN users ON users.id = user_id"
    " JOIN segments ON segments.id = segment_id JOIN wavs ON wavs.id = wav_id"
    " JOIN projects ON projects.id = project_id"
)
FILTERS = {
    "project": "projects.name",
    "status": "status",
    "wav": "wavs.name",
    "segment": "segments.name",
    "user": "users.name",
}
HEADS = (
    *("ID", "Name", "Segment ID", "Segment", "User ID", "User", "Wav", "Project", "Date", "Status"),
    *("Annotation", "Delete"),
)


def annotations(call: Call) -> Response:
    """Exact filters; an empty one lets all through. Newest first."""
    return _page(call, {}, heads=12)


def my_annotations(call: Call) -> Response:
    """One's own, without the button."""
    assert call.user
    return _page(call, {"users.id": call.user["id"]}, heads=11)


def _page(call: Call, wanted: dict[str, object], heads: int) -> Response:
    wanted |= {column: call.asked(name) for name, column in FILTERS.items() if call.asked(name)}
    where = " AND ".join(f"{column} = ?" for column in wanted)
    rows = call.state.rows(
        f"{QUERY}{' WHERE ' if where else ''}{where} ORDER BY annotations.id DESC", *wanted.values()
    )
    if not rows:
        return page("Annotations", f"{_drop_downs(call)}<p>No data is available.</p>")
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(row)[:heads])}</tr>" for row in rows)
    names = "".join(f"<th>{name}</th>" for name in HEADS[:heads])
    return page(
        "Annotations",
        f'{_drop_downs(call)}<table class="table table-striped"><tr>{names}</tr>{lines}</table>',
    )


def _cells(row) -> list[str]:
    link = f"/annotation_tool/new_annotation/?project={row['project_id']}&annotation={row['id']}"
    return [
        str(row["id"]),
        escaped(row["name"]),
        str(row["segment_id"]),
        escaped(row["segment"]),
        str(row["user_id"]),
        escaped(row["user"]),
        escaped(row["wav"]),
        escaped(row["project"]),
        date(datetime.fromisoformat(row["made_at"])),
        row["status"],
        f'<a href="{link}">Go to annotation</a>',
        f'<button data-delete-url="/annotation_tool/annotation/{row["id"]}/">Delete</button>',
    ]


def _drop_downs(call: Call) -> str:
    """Of every wav and segment of the server, however few rows are listed."""
    return "".join(
        f'<select name="{name}"><option value=""></option>'
        + "".join(
            f'<option value="{escaped(row["name"])}">{escaped(row["name"])}</option>'
            for row in call.state.rows(f"SELECT name FROM {table}")
        )
        + "</select>"
        for name, table in (
            ("wav", "wavs"),
            ("segment", "segments"),
            ("user", "users"),
            ("project", "projects"),
        )
    )
