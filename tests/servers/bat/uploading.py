"""Upload: nobody is told what came of it, the same file twice is two wavs, a failure leaves its files."""

import math
import re
import secrets
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from servers.bat.answers import done, help_block, page
from servers.bat.call import Call, Upload
from servers.bat.door import token_field
from servers.bat.python2 import escaped, printed, shown
from servers.bat.wav_files import read


def upload(call: Call) -> Response:
    """The form; files by POST. All of a request's files are one transaction; what is on the disk stays."""
    if call.method == "GET":
        return _page(call, [])
    if not call.headers.get("content-type", "").startswith("multipart/form-data"):
        return PlainTextResponse("Unsupported media type", 400)
    files = call.files.get("upload_file_field", [])
    if errors := _errors(call, files):
        return _page(call, errors)
    project = call.state.row("SELECT * FROM projects WHERE id = ?", call.sent("project"))
    assert project
    length_s = float(call.sent("segments_length"))
    for file in files:
        _keep(call, project["id"], project["name"], file, length_s)
    return done()


def _errors(call: Call, files: list[Upload]) -> list[str]:
    project, length = (call.form.get(name, [""])[-1] for name in ("project", "segments_length"))
    found = []
    if not project:
        found.append("This field may not be null.")
    elif not (project.isdigit() and call.state.row("SELECT id FROM projects WHERE id = ?", project)):
        found.append(f'Invalid pk "{project}" - object does not exist.')
    if not re.fullmatch(r"[+-]?\d+(\.\d*)?", length):
        found.append("A valid number is required.")
    if not files:
        found.append("No file was submitted.")
    return found + ["The submitted file is empty." for file in files if not file.content]


def _keep(call: Call, project_id: int, project: str, file: Upload, length_s: float) -> None:
    stored = _store(call.folder, project, file)  # before it is looked at
    duration_s = read(file.content).duration_s
    wav = call.state.add("wavs", project_id=project_id, name=file.name, file=str(stored))
    for start_s, end_s in _segments(duration_s, length_s):
        name = file.name.replace(".wav", f"_{printed(start_s)}_{printed(end_s)}.wav")
        call.state.add("segments", wav_id=wav, name=name, start_time=start_s, end_time=end_s)


def _store(folder: Path, project: str, file: Upload) -> Path:
    """Where its bytes lie now, from `folder`: a name that is taken gets a suffix."""
    slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", project).strip().lower())
    name = Path(re.sub(r"[^-\w.]", "", file.name.strip().replace(" ", "_")))
    below = Path("media/uploaded_wavs") / slug
    (folder / below).mkdir(parents=True, exist_ok=True)
    stored = below / name
    while (folder / stored).exists():
        stored = below / f"{name.stem}_{secrets.token_hex(4)[:7]}{name.suffix}"
    (folder / stored).write_bytes(file.content)
    return stored


def _segments(duration_s: float, length_s: float) -> list[tuple[float, float]]:
    if length_s == -1:
        return [(0.0, duration_s)]
    if length_s == 0:
        raise ZeroDivisionError("float division by zero")
    number = math.ceil(duration_s / length_s - 0.5)  # rounded, a half downward
    return [
        (rank * length_s, duration_s if rank == number - 1 else (rank + 1) * length_s)
        for rank in range(number)
    ]


def _page(call: Call, errors: list[str]) -> Response:
    """It prints every project, so a name that is not ASCII breaks it for all."""
    options = "".join(
        f'<option value="{row["id"]}">{escaped(shown(row["name"]))}</option>'
        for row in call.state.rows("SELECT * FROM projects")
    )
    return page(
        "Upload data",
        f'{"".join(map(help_block, errors))}<form method="post" enctype="multipart/form-data">'
        f'{token_field(call)}<select name="project">{options}</select>'
        '<input type="text" name="segments_length" /><input type="file" name="upload_file_field" multiple />'
        "</form>",
    )
