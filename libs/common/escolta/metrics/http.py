"""How often and how fast a process answers, by the template of the path: never by the path itself.

A library for this, prometheus-fastapi-instrumentator, would be as long to set up as this is (decision 41).
"""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Whatever nobody serves, and what was refused before anybody looked where it belongs."""


class Measured:
    """ASGI middleware, the outermost: counts every answer, with its seconds to the last byte."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "escolta_http_requests",
            "Requests answered, by the template of their path",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "escolta_http_request_seconds",
            "Seconds from a request's head to the end of its answer",
            ["method", "route"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()  # what the server answers where we raise

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._requests.labels(method, route_of(scope), str(status)).inc()
            self._seconds.labels(method, route_of(scope)).observe(time.perf_counter() - begun)


def route_of(scope: Scope) -> str:
    """The template of the route that was found; `/static` for all that lies there."""
    if route := scope.get("route"):
        return str(route.path)
    return "/static" if scope["path"].startswith("/static/") else OTHER
