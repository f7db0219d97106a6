"""`python -m servers.bat.serve PORT FOLDER`: the double, on loopback, its state in a folder."""

import logging
import sys
from pathlib import Path

import uvicorn
from starlette.types import Scope

from servers.bat.app import Bat
from servers.bat.control import Controlled
from servers.bat.state import State

STATE = "state.sqlite"
SERVED = "BAT"


def serve(port: int, folder: Path) -> None:
    """Serve until a signal comes. What everybody may read lies below `BAT/`."""
    served = folder / SERVED
    for below in ("media", "tmp"):
        (served / below).mkdir(parents=True, exist_ok=True)
    (served / ".env").write_text("SECRET_KEY=everybody can read this\n", "utf-8")

    def cut(scope: Scope) -> None:
        for connection in list(server.server_state.connections):
            if getattr(connection, "client", None) == scope["client"]:
                connection.transport.abort()

    bat = Bat(State(folder / STATE), served, cut)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = uvicorn.Server(
        uvicorn.Config(Controlled(bat), host="127.0.0.1", port=port, lifespan="off", access_log=False)
    )
    server.run()


def _is_news(record: logging.LogRecord) -> bool:
    """That a request got no answer is what some tests want."""
    return "returned without" not in record.getMessage()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
