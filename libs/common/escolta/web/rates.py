"""How much one caller may ask for: a bucket of tokens that fills again, for each session and each address.

No labeler comes near these limits: the fastest that ask are programs. Who is refused reads for how long.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from escolta.web.faults import refusal
from escolta.web.sessions import Sessions

MOST_CALLERS = 10_000
"""Callers whose buckets are kept; the one that has been silent longest is forgotten, and begins anew."""


@dataclass(frozen=True)
class Rate:
    """`per_s` requests a second in the long run, and `at_once` after a silence."""

    per_s: float
    at_once: float


OF_A_SESSION = Rate(per_s=200, at_once=1000)
OF_AN_ADDRESS = Rate(per_s=20, at_once=300)
"""For whoever is not signed in: everybody behind one router, say."""
SIGNING_IN = Rate(per_s=1, at_once=60)
"""Attempts from one address."""


class Buckets:
    """What is left for each caller at one rate."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable, now: float) -> float:
        """Take one; for how many seconds the caller has to wait where nothing is left, else 0."""
        left, at = self._left.pop(caller, (self._rate.at_once, now))
        left = min(self._rate.at_once, left + (now - at) * self._rate.per_s)
        refused = left < 1
        self._left[caller] = (left if refused else left - 1, now)
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        return (1 - left) / self._rate.per_s if refused else 0.0


class RateLimit:
    """ASGI middleware: 429, with `Retry-After`, for a caller who asks too much; never for ourselves."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions
        self._of_sessions, self._of_addresses = Buckets(OF_A_SESSION), Buckets(OF_AN_ADDRESS)
        self._signing_in = Buckets(SIGNING_IN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait_s = self._wait_s(HTTPConnection(scope)) if scope["type"] == "http" else 0.0
        if not wait_s:
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(wait_s)
        sentence = f"Too much was asked for at a time: try again in {seconds} s."
        answer = refusal(HTTPConnection(scope), sentence, 429, {"Retry-After": str(seconds)})
        await answer(scope, receive, send)

    def _wait_s(self, asked: HTTPConnection) -> float:
        token, now = self._sessions.token_in(asked), time.monotonic()
        if token and self._sessions.is_own(token):
            return 0.0
        if token and (session_id := self._sessions.signed(token)):
            return self._of_sessions.take(session_id, now)
        address = _address(asked)
        if asked.scope["path"] == "/api/session" and (wait_s := self._signing_in.take(address, now)):
            return wait_s
        return self._of_addresses.take(address, now)


def _address(asked: HTTPConnection) -> str:
    """An IPv4 address, or the network of an IPv6 one: a household has 2**64 of those."""
    host = asked.client.host if asked.client else ""
    if ":" not in host:
        return host
    try:
        return str(int(IPv6Address(host.partition("%")[0])) >> 64)
    except ValueError:
        return host
