"""Requests at every route of an installation: what its own document allows, nearly that, and bytes."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from fuzzed.mutations import ODD_TEXTS, ODD_VALUES, fitting, mutated_bytes, mutated_json
from servers.plain import NO_TLS

AT_ONCE = 8
SILENT_S = 30.0
ANSWER_S = 0.5
"""How long an answer to bytes is waited for that may be no whole request."""
NEVER = ("/api/sign-out", "/api/account")
"""Routes that would end what the others are tried with."""


@dataclass(frozen=True)
class Route:
    """An operation of the document."""

    method: str
    path: str
    operation: dict[str, Any]


@dataclass
class Answers:
    """How the requests were answered, which took the longest, and what was no answer at all."""

    statuses: Counter[str]
    longest_s: float = 0.0
    longest: str = ""
    failed: list[str] | None = None


async def asked(base_url: str, token: str, chance: random.Random, count: int) -> Answers:
    """So many requests, some of them at a time, signed in as a lead; some without, or with a wrong token."""
    answers = Answers(Counter(), failed=[])
    async with httpx.AsyncClient(
        base_url=base_url, trust_env=False, timeout=SILENT_S, verify=NO_TLS
    ) as client:
        document = (await client.get("/openapi.json", headers=_signed_in(token))).raise_for_status().json()
        routes = [route for route in _routes(document) if not route.path.startswith(NEVER)]
        wanted = [_request(chance, client, chance.choice(routes), document, token) for _ in range(count)]
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(request: httpx.Request) -> None:
            async with turns:
                begun = monotonic()
                try:
                    status = str((await client.send(request)).status_code)
                except httpx.HTTPError as error:
                    status = type(error).__name__
                took_s = monotonic() - begun
            said = f"{request.method} {request.url.raw_path.decode()[:200]}"
            answers.statuses[status] += 1
            if took_s > answers.longest_s:
                answers.longest_s, answers.longest = took_s, said
            if not status.isdecimal() or status == "500":
                assert answers.failed is not None
                answers.failed.append(f"{status}: {said} {request.content[:300]!r}")

        await asyncio.gather(*map(ask, wanted))
    return answers


async def told_bytes(base_url: str, token: str, chance: random.Random, count: int) -> Counter[str]:
    """So many connections on which a request comes with faults in its bytes; how each ended."""
    parts = urlsplit(base_url)
    whole = (
        f"POST /api/nodes HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        'Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"name":"quay-7"}'
    ).encode()
    turns = asyncio.Semaphore(AT_ONCE)

    async def end_of(said: bytes) -> str:
        async with turns:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(said)
                await writer.drain()
                async with asyncio.timeout(ANSWER_S):
                    line = await reader.readline()
                return line.split(b" ")[1].decode() if line.startswith(b"HTTP/1.1 ") else "closed"
            except TimeoutError:
                return "waits for the rest"
            except OSError:
                return "closed"
            finally:
                writer.close()

    return Counter(await asyncio.gather(*(end_of(mutated_bytes(chance, whole)) for _ in range(count))))


def _routes(document: dict[str, Any]) -> Iterator[Route]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Route(method.upper(), path, operation)


def _request(
    chance: random.Random, client: httpx.AsyncClient, route: Route, document: dict[str, Any], token: str
) -> httpx.Request:
    path, query, headers = route.path, {}, _headers(chance, token)
    for parameter in route.operation.get("parameters", []):
        value = _value(chance, parameter["schema"], document)
        if parameter["in"] == "path":
            path = path.replace(
                "{" + parameter["name"] + "}", quote(value.encode("utf-8", "replace"), safe="")
            )
        elif parameter["in"] == "query" and chance.random() < 0.7:
            query[parameter["name"]] = value
        elif parameter["in"] == "header" and chance.random() < 0.5:
            headers[parameter["name"]] = chance.choice(("bytes=0-1", "bytes=-5", "bytes=9-3", "x", '"a"'))
    content = None
    for kind, body in route.operation.get("requestBody", {}).get("content", {}).items():
        said = fitting(chance, body["schema"], document)
        content = json.dumps(said).encode() if chance.random() < 0.3 else mutated_json(chance, said)
        headers["Content-Type"] = kind
    return client.build_request(route.method, path, params=query, headers=headers, content=content)


def _value(chance: random.Random, schema: dict[str, Any], document: dict[str, Any]) -> str:
    if chance.random() < 0.6:
        return str(fitting(chance, schema, document))
    return str(chance.choice((*ODD_TEXTS, *ODD_VALUES[:13])))[:2000]


def _headers(chance: random.Random, token: str) -> dict[str, str]:
    drawn = chance.random()
    if drawn < 0.9:
        return _signed_in(token)
    return {} if drawn < 0.95 else _signed_in(mutated_bytes(chance, token.encode()).hex() or "none")


def _signed_in(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
