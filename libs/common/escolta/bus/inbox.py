"""Messages that have arrived and wait for their handler, handed out in batches."""

import asyncio
import contextlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from escolta.fields import BODY_CHARS, LARGEST_EVENT_BYTES


@dataclass(frozen=True)
class Incoming:
    """A message as the transport gave it; `receipt` is what the adapter settles it with."""

    topic: str
    body: bytes
    attempt: int = 1
    deliveries: int = 1
    """How often the broker has handed it out; more than once means that no verdict came back."""
    receipt: Any = field(default=None, repr=False, compare=False)
    cut_from_bytes: int = 0
    """How long the body was where it is too large for an event, and only its beginning is kept."""


def bounded(body: bytes) -> tuple[bytes, int]:
    """The body to keep of a message, and how long it was if that is not all of it.

    A transport asks before it queues a message: a few that are too large would else fill the memory.
    """
    if len(body) <= LARGEST_EVENT_BYTES:
        return body, 0
    return body[:BODY_CHARS], len(body)


class Inbox:
    """The queue between a transport and a handler.

    It is full while `bound` messages that came by `put` are not settled: those that wait, those in the
    handler, and those that will be tried again. Several consumers may share one inbox.
    """

    def __init__(self, bound: float = math.inf) -> None:
        self._bound = bound
        self._unsettled = 0
        self._waiting: deque[tuple[float, Incoming]] = deque()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False

    async def put(self, incoming: Incoming) -> None:
        """Add a message, waiting while the inbox is open and full."""
        while self._unsettled >= self._bound and not self._closed:
            self._room.clear()
            await self._room.wait()
        self._unsettled += 1
        self.add(incoming)

    def add(self, incoming: Incoming) -> None:
        """Add a message whose number is bounded elsewhere, or one that comes back for another attempt."""
        self._waiting.append((time.monotonic(), incoming))
        self._more.set()

    def settled(self) -> None:
        """Make room: a message that came by `put` is done with."""
        self._unsettled -= 1
        self._room.set()

    async def batch(self, size: int, linger_s: float) -> list[Incoming]:
        """The next 1 to `size` messages, `linger_s` after the first of them came, or none once closed."""
        while not self._closed:
            left_s = None
            if self._waiting:
                left_s = self._waiting[0][0] + linger_s - time.monotonic()
                if len(self._waiting) >= size or left_s <= 0:
                    return self._take(size)
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._more.wait()
        return []

    def open(self) -> None:
        """Let batches be taken again."""
        self._closed = False

    def close(self) -> None:
        """Let no further batch begin and nobody wait; what has not begun stays inside."""
        self._closed = True
        self._more.set()
        self._room.set()

    def clear(self) -> list[Incoming]:
        """Take out everything that has not begun."""
        return self._take(len(self._waiting))

    def _take(self, size: int) -> list[Incoming]:
        return [self._waiting.popleft()[1] for _ in range(min(size, len(self._waiting)))]
