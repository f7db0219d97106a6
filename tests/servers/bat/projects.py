"""Projects: the classes that one offers are chosen when it is made, and never after."""

import colorsys
from datetime import datetime

from starlette.responses import Response

from servers.bat.answers import done, help_block, not_found, page
from servers.bat.call import Call
from servers.bat.door import token_field
from servers.bat.python2 import date, escaped
from servers.bat.signing_in import BLANK, LONGEST, TOO_LONG

TRUE = ("true", "True", "on", "1")
FALSE = ("false", "False", "0", "")


def projects(call: Call) -> Response:
    """The list; a new one by POST, whose id is not told. A name that is taken is a 500."""
    if call.method == "GET":
        return _page(call, "")
    name = call.form.get("project_name", [""])[-1].strip()
    chosen = sorted(set(call.form.get("classes", [])))
    overlap = call.form.get("overlap", [""])[-1]
    known = {row["name"]: row["id"] for row in call.state.rows("SELECT * FROM classes")}
    errors = [] if 0 < len(name) <= LONGEST else [TOO_LONG if name else BLANK]
    errors += [f'"{one}" is not a valid choice.' for one in chosen if one not in known]
    errors += [] if overlap in TRUE + FALSE else [f'"{overlap}" is not a valid boolean.']
    if errors:
        return _page(call, "".join(map(help_block, errors)))
    project = call.state.add(
        "projects", name=name, overlap=overlap in TRUE, made_at=datetime.now().isoformat()
    )
    for rank, one in enumerate(chosen):
        call.state.db.execute(
            "INSERT INTO class_instances VALUES (?, ?, ?)", (project, known[one], _color(rank, len(chosen)))
        )
    return done()


def one_project(call: Call, project_id: str) -> Response:
    """DELETE takes all that is in the project with it, and the files of its wavs from the disk."""
    if not call.state.row("SELECT id FROM projects WHERE id = ?", project_id):
        return not_found(wants_json=True)
    for wav in call.state.rows("SELECT file FROM wavs WHERE project_id = ?", project_id):
        (call.folder / wav["file"]).unlink(missing_ok=True)
    call.state.db.execute("DELETE FROM projects WHERE id = ?", (project_id,))
    return Response(status_code=204)


def _color(rank: int, of: int) -> str:
    red, green, blue = (int(255 * part) for part in colorsys.hsv_to_rgb(rank / of, 1, 1))
    return f"rgba({red}, {green}, {blue}, 0.5)"


def _page(call: Call, said: str) -> Response:
    choices = "".join(
        f'<option value="{escaped(row["name"])}">{escaped(row["name"])}</option>'
        for row in call.state.rows("SELECT name FROM classes ORDER BY name")
    )
    rows = "".join(
        f"<tr><td>{row['id']}</td><td>{escaped(row['name'])}</td><td>{'Yes' if row['overlap'] else 'No'}</td>"
        f"<td>{date(datetime.fromisoformat(row['made_at']))}</td><td><button"
        f' data-delete-url="/annotation_tool/project/{row["id"]}/">Delete</button></td></tr>'
        for row in call.state.rows(
            "SELECT * FROM projects ORDER BY id % 7, id"
        )  # no order that one may trust
    )
    return page(
        "Projects",
        f'{said}<form method="post">{token_field(call)}<input type="text" name="project_name" />'
        f'<select name="classes" multiple="multiple">{choices}</select>'
        '<input type="checkbox" name="overlap" /></form><table class="table">'
        f"<tr><th>ID</th><th>Name</th><th>Overlap</th><th>Created</th><th></th></tr>{rows}</table>",
    )
