"""Handlers that remember what they heard."""

from collections.abc import Callable, Sequence

from contract.buses import Rang

from escolta.bus import Message
from escolta.events import MessageRejected

Batch = Sequence[Message[Rang]]


class Listener:
    """A handler that remembers: every batch of numbers, and the attempt of every message."""

    def __init__(self, judge: Callable[[Message[Rang]], None] = lambda message: None) -> None:
        self.batches: list[list[int]] = []
        self.attempts: list[int] = []
        self._judge = judge

    async def __call__(self, messages: Batch) -> None:
        self.batches.append([message.event.number for message in messages])
        self.attempts += [message.attempt for message in messages]
        for message in messages:
            self._judge(message)

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


class Quarantine:
    """A handler that remembers the dead letters it was told of."""

    def __init__(self) -> None:
        self.rejections: list[MessageRejected] = []

    async def __call__(self, messages: Sequence[Message[MessageRejected]]) -> None:
        self.rejections += [message.event for message in messages]
