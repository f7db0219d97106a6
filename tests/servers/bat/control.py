"""What tests tell the double, and what it tells them, at paths that BAT has not."""

import json
import shutil
from dataclasses import asdict, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from servers.bat.app import Bat
from servers.bat.faults import Fault

PREFIX = "/_test/"


class Controlled:
    """BAT, and beside it what its tests need."""

    def __init__(self, bat: Bat) -> None:
        self.bat = bat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        if not scope["path"].startswith(PREFIX):
            await self.bat(scope, receive, send)
            return
        request = Request(scope, receive)
        body = json.loads(await request.body() or b"{}")
        response = self._answer(scope["path"].removeprefix(PREFIX), body)
        await response(scope, receive, send)

    def _answer(self, what: str, body: dict) -> Response:
        bat = self.bat
        if what == "forget":
            bat.forget()
        elif what == "user":
            bat.state.add("users", **body)
        elif what == "fault":
            bat.let_go.clear()
            bat.faults.waiting.append(Fault(**body))
        elif what == "mend":
            bat.faults.waiting.clear()
            bat.drops_held = body.get("drop", False)
            bat.let_go.set()
        elif what == "running":
            bat.running = replace(bat.running, **body)
        elif what == "open page":  # somebody's page is opened: what another still wants to hear is gone
            shutil.rmtree(bat.folder / "tmp", ignore_errors=True)
        elif what == "forget requests":
            bat.asked.clear()
            bat.most_at_once = 0
        return JSONResponse(
            {
                "struck": bat.faults.told(),
                "waiting": len([fault for fault in bat.faults.waiting if fault.times]),
                "held": bat.held,
                "most_at_once": bat.most_at_once,
                "asked": [asdict(one) for one in bat.asked] if what == "asked" else [],
            }
        )
