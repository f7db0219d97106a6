"""BAT's whole folder, open to everybody: what was uploaded, what is heard just now, and its secrets."""

import mimetypes
from email.utils import formatdate
from pathlib import Path

from starlette.responses import Response

from servers.bat.answers import not_found, page
from servers.bat.call import Call
from servers.bat.python2 import escaped


def open_file(call: Call, below: str) -> Response:
    """A file, or the index of a folder."""
    path = (call.folder / below).resolve()
    if not path.is_relative_to(call.folder.resolve()):
        return not_found()
    if path.is_dir():
        return _index(path, below)
    if not path.is_file():
        return not_found()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    written = formatdate(path.stat().st_mtime, usegmt=True)
    return Response(path.read_bytes(), media_type=kind, headers={"Last-Modified": written})


def media(call: Call, below: str) -> Response:
    """What was uploaded, while the program runs with DEBUG on."""
    return open_file(call, f"media/{below}") if call.debug else not_found()


def _index(path: Path, below: str) -> Response:
    names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in path.iterdir())
    rows = "".join(f'<li><a href="{escaped(name)}">{escaped(name)}</a></li>' for name in names)
    up = '<li><a href="../">../</a></li>' if below else ""
    return page(f"Index of {escaped(below)}", f"<h1>Index of {escaped(below)}</h1><ul>{up}{rows}</ul>")
