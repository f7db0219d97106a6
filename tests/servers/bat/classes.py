"""Classes: global, ordered by name, and their names harmful unless they are plain."""

from starlette.responses import Response

from servers.bat.answers import alert, done, help_block, not_found, page
from servers.bat.call import Call
from servers.bat.door import token_field
from servers.bat.python2 import escaped
from servers.bat.signing_in import BLANK, LONGEST, TOO_LONG


def classes(call: Call) -> Response:
    """The list; a new one by POST. The test for one that is there runs on the name as it was sent."""
    if call.method == "GET":
        return _page(call, "")
    name = call.form.get("name", [""])[-1].strip()
    if not 0 < len(name) <= LONGEST:
        return _page(call, help_block(TOO_LONG if name else BLANK))
    if call.state.row("SELECT id FROM classes WHERE name = ?", name):
        return _page(call, alert("Class with current params already exists."))
    call.state.add("classes", name=name.replace(" ", "_"))
    return done()


def one_class(call: Call, class_id: str) -> Response:
    """DELETE takes what carries the class with it."""
    if not call.state.row("SELECT id FROM classes WHERE id = ?", class_id):
        return not_found(wants_json=True)
    call.state.db.execute("DELETE FROM classes WHERE id = ?", (class_id,))
    return Response(status_code=204)


def _page(call: Call, said: str) -> Response:
    rows = "".join(
        f"<tr><td>{row['id']}</td><td>{escaped(row['name'])}</td><td><button"
        f' data-delete-url="/annotation_tool/class/{row["id"]}/">Delete</button></td></tr>'
        for row in call.state.rows("SELECT * FROM classes ORDER BY name")
    )
    return page(
        "Classes",
        f'{said}<form method="post">{token_field(call)}<input type="text" name="name" /></form>'
        f'<table class="table"><tr><th>ID</th><th>Name</th><th></th></tr>{rows}</table>',
    )
