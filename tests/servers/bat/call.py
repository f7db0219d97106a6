"""A request as a view sees it."""

import sqlite3
from dataclasses import dataclass, field
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request

from servers.bat.answers import MultiValueDictKeyError
from servers.bat.state import State


@dataclass(frozen=True)
class Upload:
    """A file of a form."""

    name: str
    content: bytes


@dataclass
class Call:
    """Who asks for what, and what it is answered from."""

    state: State
    folder: Path
    debug: bool
    method: str
    path: str
    query: dict[str, list[str]]
    cookies: dict[str, str]
    headers: dict[str, str]
    form: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)
    user: sqlite3.Row | None = None
    new_cookies: list[tuple[str, str]] = field(default_factory=list)
    """Cookies to set: name and value; an empty value takes it away."""

    def asked(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def sent(self, name: str) -> str:
        """A field that must be there: without it the view fails."""
        if name not in self.form:
            raise MultiValueDictKeyError(f"'{name}'")
        return self.form[name][-1]


async def call_of(request: Request, state: State, folder: Path, debug: bool) -> Call:
    """The request, its form parsed whatever its kind."""
    cookies = {name: value for name, value in request.cookies.items()}
    call = Call(
        state,
        folder,
        debug,
        "GET" if request.method == "HEAD" else request.method,
        request.url.path,
        parse_qs(request.url.query, keep_blank_values=True),
        cookies,
        dict(request.headers),
    )
    kind, body = request.headers.get("content-type", ""), await request.body()
    if kind.startswith("multipart/form-data"):
        _read_multipart(call, kind, body)
    elif kind.startswith("application/json"):
        call.form = {name: [value] for name, value in (await request.json()).items()}
    else:
        call.form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return call


def _read_multipart(call: Call, kind: str, body: bytes) -> None:
    boundary = _parameter(kind, "boundary")
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        [disposition] = [
            line.partition(":")[2]
            for line in head.decode("utf-8").split("\r\n")
            if line.lower().startswith("content-disposition")
        ]
        name = _parameter(disposition, "name")
        if "filename" in disposition:
            upload = Upload(_base_name(_parameter(disposition, "filename")), content)
            call.files.setdefault(name, []).append(upload)
        else:
            call.form.setdefault(name, []).append(content.decode("utf-8"))


def _parameter(header: str, name: str) -> str:
    message = Message()
    message["content-type"] = header.strip().replace("form-data", "form/data", 1)
    value = message.get_param(name)
    return value if isinstance(value, str) else ""


def _base_name(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2][:255]


def cookie_header(name: str, value: str) -> str:
    """`csrftoken` for a year; `sessionid` for 14 days, which no script may read."""
    cookie: SimpleCookie = SimpleCookie({name: value})
    cookie[name]["path"] = "/"
    cookie[name]["max-age"] = (31449600 if name == "csrftoken" else 1209600) if value else 0
    if name == "sessionid":
        cookie[name]["httponly"] = True
    return cookie[name].OutputString()
