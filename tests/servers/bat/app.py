"""BAT as an ASGI application: a request at a time, a transaction each, and the faults that tests ask for."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from servers.bat.answers import SuspiciousOperation, failed, page
from servers.bat.call import Call, call_of, cookie_header
from servers.bat.door import check_host, recognize
from servers.bat.faults import Faults, Kind, Running
from servers.bat.routes import answer
from servers.bat.state import State

PANELS = (
    *("Templates", "SQL", "Settings", "Versions", "Timer", "Headers", "Request", "StaticFiles", "Cache"),
    *("Signals", "Logging", "Redirects"),
)
TOOLBAR = '<div id="djDebug" class="djdt-hidden"><ul id="djDebugPanelList"></ul></div>'


class Failed(Exception):
    """What a fault of the test makes of a view that was about to answer."""


@dataclass
class Asked:
    """A request, as it is told to tests."""

    method: str
    path: str
    user: str
    status: int
    toolbar_off: bool


@dataclass
class Bat:
    """`cut` ends the connection of a request without an answer."""

    state: State
    folder: Path
    cut: Callable[[Scope], None]
    running: Running = field(default_factory=Running)
    faults: Faults = field(default_factory=Faults)
    asked: list[Asked] = field(default_factory=list)
    at_work: int = 0
    most_at_once: int = 0
    held: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    drops_held: bool = False
    """What is held before its work never comes to it."""

    def forget(self) -> None:
        """Be as new, as far as a process can be."""
        self.let_go.set()
        self.state.forget()
        for below in ("media", "tmp"):
            shutil.rmtree(self.folder / below, ignore_errors=True)
            (self.folder / below).mkdir()
        self.running, self.faults, self.most_at_once = Running(), Faults(), 0
        self.asked.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        try:
            await self._serve(scope, receive, send)
        finally:
            self.at_work -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = await call_of(request, self.state, self.folder, self.running.debug)
        whole_path = f"{call.path}?{request.url.query}" if request.url.query else call.path
        fault = self.faults.at(call.method, whole_path)
        if await self._ends(fault, "before", scope, receive):
            return
        response = self._answer(call, fault)
        self._note(call, whole_path, response.status_code)
        if await self._ends(fault, "after", scope, receive):
            return
        await self._with_toolbar(call, response)
        for name, value in dict(call.new_cookies).items():
            response.headers.append("set-cookie", cookie_header(name, value))
        await response(scope, receive, send)

    async def _ends(self, fault: Kind | None, when: str, scope: Scope, receive: Receive) -> bool:
        """Whether this request gets no answer: `when` is before the work of it, or after."""
        if fault == f"held {when}":
            self.held += 1
            await self.let_go.wait()
            self.held -= 1
            if when == "before" and self.drops_held:
                self.cut(scope)
                return True
        elif fault == f"cut {when}":
            self.cut(scope)
            return True
        elif fault == f"silent {when}":
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
        return False

    def _answer(self, call: Call, fault: Kind | None) -> Response:
        if fault == "session expired":
            self.state.db.execute("DELETE FROM sessions WHERE id = ?", (call.cookies.get("sessionid"),))
        elif fault == "wiped":
            shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        elif fault == "elsewhere":
            return page("Welcome to nginx!", "<h1>Welcome to nginx!</h1>")
        try:
            check_host(call, self.running.hosts)
            with self.state.transaction():
                recognize(call)
                response = answer(call)
                if fault == "failed":
                    raise Failed("out of luck")
                return response
        except Exception as error:  # noqa: BLE001  # whatever a view raises is a page of the debugger's
            call.new_cookies.clear()
            if isinstance(error, SuspiciousOperation) and not call.debug:
                return page("Bad Request (400)", "<h1>Bad Request (400)</h1>", 400)
            return failed(error, call.debug)

    def _note(self, call: Call, whole_path: str, status: int) -> None:
        user = call.user["name"] if call.user else ""
        self.asked.append(Asked(call.method, whole_path, user, status, _toolbar_off(call)))

    async def _with_toolbar(self, call: Call, response: Response) -> None:
        if self.running.toolbar and response.media_type == "text/html" and response.status_code == 200:
            if not _toolbar_off(call):
                await asyncio.sleep(self.running.slow_s)
            response.body = bytes(response.body) + TOOLBAR.encode()
            response.headers["content-length"] = str(len(response.body))


def _toolbar_off(call: Call) -> bool:
    return all(call.cookies.get(f"djdt{panel}Panel") == "off" for panel in PANELS)
