"""What a bus is: what one subscribes with, what one is handed, and the four verbs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from escolta.events import Event

RETRY_DELAYS_S = (1.0, 5.0, 30.0, 120.0, 600.0)

E = TypeVar("E", bound=Event)


class Verdict(Enum):
    """What becomes of a message when its handler has returned."""

    DONE = "done"
    RETRY = "retry"
    REJECT = "reject"


@dataclass
class Message(Generic[E]):
    """One delivery of an event. Without a verdict of its own it is done when the handler returns."""

    event: E
    attempt: int = 1
    verdict: Verdict = field(default=Verdict.DONE, init=False)
    reason: str = field(default="", init=False)

    def retry(self, reason: str) -> None:
        """Deliver again after the next delay of the subscription, for as long as it takes."""
        self.verdict, self.reason = Verdict.RETRY, reason

    def reject(self, reason: str) -> None:
        """Make it a dead letter that carries `reason`."""
        self.verdict, self.reason = Verdict.REJECT, reason


Handler = Callable[[Sequence[Message[Any]]], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """What a service listens to, and how.

    The handler gets 1 to `batch` messages, at most `linger_s` seconds after the first of them came, and
    no further batch until it has returned.
    It gives single messages a verdict (`message.retry(…)`, `message.reject(…)`); if it raises, the error
    judges: `Transient`, `Misconfigured`, a lost connection -> the batch again later, for as long as it takes.
    After anything else a batch of several is handed over again one by one, so that one poisoned message harms
    no other, and each is judged: `Rejected` -> dead letter; the rest is a defect of ours -> retry, and dead
    letter after the last delay.
    `node` narrows a topic with a `{node}` place to one node. All subscribers of the same service share
    one queue: each message goes to one of them. Where they are of several kinds (`kind`, such as a model
    each), every kind has a queue of its own and hears of everything.
    """

    event: type[Event]
    handler: Handler
    batch: int = 1
    linger_s: float = 0.0
    prefetch: int = 0
    delays_s: tuple[float, ...] = RETRY_DELAYS_S
    node: str = "*"
    kind: str = ""

    def __post_init__(self) -> None:
        if self.batch < 1 or not self.delays_s:
            raise ValueError("a subscription needs a batch of at least 1 and at least one delay")

    @property
    def pattern(self) -> str:
        """The routing key to bind, `*` standing for one word."""
        return self.event.topic.replace("{node}", self.node)

    def queue(self, service: str) -> str:
        """The queue's name: the service, its kind if it has one, the topic and the node if there is one."""
        owner = f"{service}-{self.kind}" if self.kind else service
        return f"{owner}.{self.pattern.replace('.*', '')}"

    @property
    def in_flight(self) -> int:
        """Messages taken from the queue ahead of their verdict: the bound of what a crash repeats."""
        return self.prefetch or 2 * self.batch


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody will try again, with the reason."""

    queue: str
    topic: str
    body: bytes
    reason: str
    attempts: int


class Bus(Protocol):
    """Four verbs. Safe to use from any task of the event loop that opened it, not from threads.

    `publish` returns when the event is safe (confirmed by the broker, or in the queues of this process)
    and raises `Transient` when it is not. In memory it waits while a queue is full; a broker's queues are
    bounded by its disk, and while that is short the broker confirms nothing.
    `subscribe` must be called before `start`. `stop` takes no further messages, waits for the running
    handlers, returns what was not begun to the queue, and closes.
    """

    async def publish(self, event: Event) -> None: ...

    def subscribe(self, service: str, subscription: Subscription) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
