"""How long a connection may say or hear nothing, and how many there may be: a labeler's always finds room."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0
"""So long a connection has to bring the head of a request: at its beginning, and from its first byte on."""
ANSWER_S = 60.0
"""So long a client may leave what is sent to it unread."""
IDLE_S = 75
"""So long a connection is kept for a further request. A proxy keeps its own for 60 s (ingress-nginx), and
must be the one who ends it: what it sends while we do would be lost."""
MOST = 500
"""Connections before the idle one that came first makes room. A process has 1,024 files as a rule."""


class Connection(H11Protocol):
    """uvicorn's own, that gives up on a client who does not ask, or does not read."""

    _giving_up: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    idle_since = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is on its way: none has begun, or not all of its head is here."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        self._wait_for_a_request()
        if len(self.connections) > MOST:
            _make_room([it for it in self.connections if isinstance(it, Connection) and it is not self])

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.is_idle:
            self._stop_waiting()
        elif self._giving_up is None and not self.transport.is_closing():
            self._wait_for_a_request()

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled:
            self._stalled.cancel()
            self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._stalled:
            self._stalled.cancel()
        super().connection_lost(exc)

    def _wait_for_a_request(self) -> None:
        self._giving_up = self.loop.call_later(REQUEST_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        if self.is_idle:
            self.transport.abort()


def _make_room(connections: list[Any]) -> None:
    idle = [it for it in connections if it.is_idle]
    if idle:
        min(idle, key=lambda it: it.idle_since).transport.abort()
