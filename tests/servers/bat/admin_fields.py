"""The fields of the admin's change pages: the times are as they are stored, without padding."""

import sqlite3

from servers.bat.call import Call
from servers.bat.python2 import escaped, printed, shown

REFERENCES = {
    "annotation": ("annotation_id", "annotations"),
    "segment": ("segment_id", "segments"),
    "user": ("user_id", "users"),
    "wav": ("wav_id", "wavs"),
    "project": ("project_id", "projects"),
    "event_class": ("class_id", "classes"),
    "class_obj": ("class_id", "classes"),
    "region": ("region_id", "regions"),
}
FIELDS = {
    "project": ("name",),
    "wav": ("project", "name", "file"),
    "segment": ("wav", "name", "start_time", "end_time"),
    "annotation": ("segment", "user", "name", "status"),
    "event": ("annotation", "event_class", "start_time", "end_time", "color", "tags"),
    "region": ("annotation", "start_time", "end_time", "color", "tags"),
    "class": ("name",),
    "tag": ("name",),
    "classprominence": ("region", "class_obj", "prominence"),
}


def change_form(call: Call, model: str, row: sqlite3.Row) -> str:
    """Every field of a row; a choice prints all that could be chosen."""
    if model in ("event", "region", "classprominence"):
        for class_row in call.state.rows(
            "SELECT name FROM classes" if model != "region" else "SELECT '' AS name"
        ):
            shown(class_row["name"])
    return "".join(
        f'<div class="form-row field-{name}">{_field(call, model, row, name)}</div>' for name in FIELDS[model]
    )


def _field(call: Call, model: str, row: sqlite3.Row, name: str) -> str:
    if name in REFERENCES:
        column, table = REFERENCES[name]
        return _choice(name, _options(call, table), {row[column]})
    if name == "tags":
        chosen = call.state.rows(f"SELECT tag_id FROM {model}_tags WHERE {model}_id = ?", row["id"])
        return _choice(name, _options(call, "tags"), {tag["tag_id"] for tag in chosen}, several=True)
    if name == "prominence":
        return _choice(name, [(value, str(value)) for value in range(1, 6)], {row["prominence"]})
    value = row[name]
    text = printed(value) if isinstance(value, float) else str(value)
    return f'<input type="text" name="{name}" value="{escaped(text)}" id="id_{name}" />'


def _options(call: Call, table: str) -> list[tuple[int, str]]:
    label = "id" if table == "regions" else "name"
    return [
        (row["id"], shown(str(row["label"])))
        for row in call.state.rows(f"SELECT id, {label} AS label FROM {table}")
    ]


def _choice(name: str, options: list[tuple[int, str]], chosen: set[int | None], several: bool = False) -> str:
    empty = "" if several else f'<option value=""{_selected(None in chosen)}>---------</option>'
    rows = "".join(
        f'<option value="{value}"{_selected(value in chosen)}>{escaped(text)}</option>'
        for value, text in options
    )
    return f'<select name="{name}"{" multiple" if several else ""} id="id_{name}">{empty}{rows}</select>'


def _selected(is_chosen: bool) -> str:
    return " selected" if is_chosen else ""
