"""The admin's lists and change pages: reading without effects, but text beyond ASCII breaks them."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from servers.bat.admin_fields import change_form
from servers.bat.answers import HOME, Refused, SuspiciousOperation, not_found, page, redirect
from servers.bat.call import Call
from servers.bat.python2 import escaped, shown

A_PAGE = 100
ALL_UP_TO = 200
OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Model:
    """A table, how a row of it is called, and its own columns by the names of the admin."""

    table: str
    label: str
    columns: dict[str, str]


def _model(table: str, label: str = "id", **columns: str) -> Model:
    return Model(table, label, {"id": "id", "pk": "id", **columns})


TIMES = {"start_time": "start_time", "end_time": "end_time", "color": "color"}
MODELS = {
    "project": _model("projects", "name", name="name", overlap="overlap"),
    "wav": _model("wavs", "name", name="name", project="project_id", file="file"),
    "segment": _model(
        "segments", "name", name="name", wav="wav_id", start_time="start_time", end_time="end_time"
    ),
    "annotation": _model(
        "annotations", "name", name="name", segment="segment_id", user="user_id", status="status"
    ),
    "event": _model("events", annotation="annotation_id", event_class="class_id", **TIMES),
    "region": _model("regions", annotation="annotation_id", **TIMES),
    "class": _model("classes", "name", name="name"),
    "tag": _model("tags", "name", name="name"),
    "classprominence": _model(
        "prominences",
        "(SELECT name FROM classes WHERE classes.id = class_id)",
        region="region_id",
        class_obj="class_id",
        prominence="prominence",
    ),
}
NOT_FILTERS = ("p", "o", "all", "q", "e", "_changelist_filters")


def change_list(call: Call, name: str) -> Response:
    """Rows of a model by its own columns, 100 a page, newest first."""
    model = _known(call, name)
    where, values = _filters(call, model)
    total = call.state.value(f"SELECT count(*) FROM {model.table}{where}", *values)
    shows_all = "all" in call.query and total <= ALL_UP_TO
    at = 0 if shows_all else int(call.asked("p", "0"))
    if at and at * A_PAGE >= total:
        raise Refused(redirect(f"{call.path}?e=1"))
    limit = "" if shows_all else f" LIMIT {A_PAGE} OFFSET {at * A_PAGE}"
    order = "ASC" if call.asked("o").startswith("1") else "DESC"
    rows = call.state.rows(
        f"SELECT id, {model.label} AS label FROM {model.table}{where} ORDER BY id {order}{limit}", *values
    )
    filters = urlencode(call.query, doseq=True)
    kept = f"?{urlencode({'_changelist_filters': filters})}" if filters else ""
    lines = "".join(
        f'<tr class="row{rank % 2 + 1}"><td class="action-checkbox"><input type="checkbox"'
        f' name="_selected_action" value="{row["id"]}" class="action-select" /></td>'
        f'<th class="field-__str__"><a href="/admin/annotation_tool/{name}/{row["id"]}/change/{kept}">'
        f"{escaped(shown(str(row['label'])))}</a></th></tr>"
        for rank, row in enumerate(rows)
    )
    table = f'<table id="result_list"><thead></thead><tbody>{lines}</tbody></table>' if rows else ""
    return _page(
        f"Select {name} to change",
        f'<form id="changelist-form" method="post">{table}<p class="paginator">{total} {name}s</p></form>',
    )


def change_page(call: Call, name: str, row_id: str) -> Response:
    """One row, in a form."""
    model = _known(call, name)
    row = call.state.row(f"SELECT * FROM {model.table} WHERE id = ?", row_id)
    if row is None:
        return not_found()
    return _page(
        f"Change {name}", f'<form id="{name}_form" method="post">{change_form(call, name, row)}</form>'
    )


def index(call: Call) -> Response:
    """The admin's first page."""
    _known(call, "project")
    links = "".join(f'<a href="/admin/annotation_tool/{name}/">{name}</a>' for name in MODELS)
    return _page("Site administration", links)


def _known(call: Call, name: str) -> Model:
    if call.user is None or not (call.user["superuser"] and call.user["staff"]):
        raise Refused(redirect(f"/admin/login/?next={call.path}"))
    if name not in MODELS:
        raise Refused(not_found())
    return MODELS[name]


def _filters(call: Call, model: Model) -> tuple[str, list[str]]:
    clauses: list[str] = []
    values: list[str] = []
    for asked, given in call.query.items():
        if asked in NOT_FILTERS:
            continue
        field, _, lookup = asked.partition("__")
        if field not in model.columns or lookup not in ("", "exact", "in", "isnull", *OPERATORS):
            raise SuspiciousOperation(f"Filtering by {asked} not allowed")
        column, value = model.columns[field], given[-1]
        if lookup == "isnull":
            clauses.append(f"{column} IS {'' if value in ('1', 'True', 'true') else 'NOT '}NULL")
        elif lookup == "in":
            parts = value.split(",")
            clauses.append(f"{column} IN ({', '.join('?' * len(parts))})")
            values += parts
        else:
            clauses.append(f"{column} {OPERATORS.get(lookup, '=')} ?")
            values.append(value)
        if (column == "id" or column.endswith("_id")) and not re.fullmatch(
            r"[\d,]*|True|False|true|false", value
        ):
            raise Refused(redirect(f"{call.path}?e=1"))
    return (f" WHERE {' AND '.join(clauses)}" if clauses else ""), values


def _page(title: str, body: str) -> Response:
    return page(
        f"{title} | Django site admin", f'<div id="content">{body}</div><a href="{HOME}">View site</a>'
    )
