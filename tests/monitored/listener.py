"""Whom Alertmanager tells: it keeps the last word on each alert."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 600.0


class Told:
    """What was told, by the alert's name and labels: `firing` or `resolved`."""

    def __init__(self) -> None:
        self._last: dict[tuple[tuple[str, str], ...], str] = {}

    def hear(self, words: bytes) -> None:
        """Take over what Alertmanager says."""
        for alert in json.loads(words)["alerts"]:
            self._last[tuple(sorted(alert["labels"].items()))] = alert["status"]

    def firing(self) -> set[str]:
        """The names of the alerts of which nobody has said that they are over."""
        return {dict(labels)["alertname"] for labels, last in self._last.items() if last == "firing"}

    async def until_silent(self) -> None:
        """Wait until of every alert somebody has said that it is over: a busy machine may have raised one."""
        async with asyncio.timeout(PATIENCE_S):
            while self.firing():
                await asyncio.sleep(0.1)

    async def until(self, status: str, alertname: str, **labels: str) -> None:
        """Wait until the last word on this alert is `firing`, or `resolved`."""
        wanted = {"alertname": alertname, **labels}.items()
        async with asyncio.timeout(PATIENCE_S):
            while status not in {last for found, last in self._last.items() if wanted <= dict(found).items()}:
                await asyncio.sleep(0.1)


@contextmanager
def listener() -> Iterator[tuple[str, Told]]:
    """The address of a webhook on this machine, and what it has heard."""
    told = Told()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.hear(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """What comes is no news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
