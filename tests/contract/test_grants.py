"""A grant lets its bearer write one object once, and nothing else: the store itself holds it to that."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta, tzinfo

import httpx
import pytest

from escolta.objects import open_objects, s3
from escolta.objects.port import Grant, Objects, Stored
from escolta.objects.signing import Signer
from servers.plain import NO_TLS

KEY = "audio/quay-1/2026/11/29/0b9d2f.wav"
OTHER = "audio/quay-2/2026/11/29/0b9d2f.wav"
SOUND = b"RIFF" + bytes(996)


@pytest.fixture
async def objects(s3_url: str) -> AsyncIterator[Objects]:
    async with aclosing(open_objects(s3_url)) as objects:
        yield objects


async def granted(objects: Objects, key: str = KEY) -> Grant:
    grant = await objects.grant(key, len(SOUND), hashlib.sha256(SOUND).hexdigest(), "a-note")
    return grant


async def status_of(
    grant: Grant,
    changed: Mapping[str, str | None] | None = None,
    *,
    method: str = "PUT",
    content: bytes = SOUND,
) -> int:
    """What the store answers to `grant` used so; `changed`: headers, None for one that is left out."""
    headers = {**grant.headers, "content-length": None, **(changed or {})}
    told = {name: value for name, value in headers.items() if value is not None}
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=NO_TLS) as client:
        return (await client.request(method, grant.url, content=content, headers=told)).status_code


def test_the_example_of_aws_has_its_signature() -> None:
    signer = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
    address = "https://examplebucket.s3.amazonaws.com/test.txt"
    url = signer.signed("GET", address, {}, datetime(2013, 5, 24, tzinfo=UTC), 86_400)
    assert url.startswith(
        f"{address}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    )
    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


async def test_a_grant_is_honored_once(objects: Objects) -> None:
    grant = await granted(objects)
    assert await status_of(grant) == 200
    assert await objects.get(KEY) == SOUND
    assert await objects.head(KEY) == Stored(len(SOUND), "a-note")
    assert await status_of(grant) == 412
    assert await status_of(await granted(objects)) == 412
    assert await objects.head(KEY) == Stored(len(SOUND), "a-note")


@pytest.mark.parametrize("name", ["if-none-match", "x-amz-checksum-sha256", s3.NOTE])
async def test_a_header_that_is_left_out_is_refused(objects: Objects, name: str) -> None:
    assert await status_of(await granted(objects), {name: None}) == 403
    assert await objects.head(KEY) is None


@pytest.mark.parametrize(
    "header",
    [
        {"x-amz-meta-escolta-event": "forged"},
        {"x-amz-meta-more": "1"},
        {"x-amz-acl": "public-read"},
        {"x-amz-copy-source": f"/escolta/{OTHER}"},
    ],
)
async def test_another_header_is_refused(objects: Objects, header: dict[str, str]) -> None:
    assert await status_of(await granted(objects), header) == 403
    assert await objects.head(KEY) is None


@pytest.mark.parametrize("content", [b"", SOUND[:-1], SOUND + b"x", b"x" + SOUND[1:]])
async def test_other_bytes_are_refused(objects: Objects, content: bytes) -> None:
    assert await status_of(await granted(objects), content=content) in (400, 403)
    assert await objects.head(KEY) is None


async def test_another_key_is_refused(objects: Objects) -> None:
    grant = await granted(objects)
    assert await status_of(Grant(grant.url.replace(KEY, OTHER), grant.headers)) == 403
    assert await objects.head(OTHER) is None


async def test_after_its_time_a_grant_is_refused(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    class Before:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            return datetime.now(zone) - timedelta(seconds=61)

    monkeypatch.setattr(s3, "datetime", Before)
    assert await status_of(await granted(objects)) == 403
    assert await objects.head(KEY) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
async def test_nothing_but_a_put_is_granted(objects: Objects, method: str) -> None:
    grant = await granted(objects)
    assert await status_of(grant) == 200
    assert await status_of(grant, method=method, content=b"") in (403, 405)
    assert await objects.get(KEY) == SOUND


@pytest.mark.parametrize("sub", ["acl", "tagging", "uploads", "retention", "versionId=1"])
async def test_nothing_of_an_object_but_its_bytes_is_granted(objects: Objects, sub: str) -> None:
    grant = await granted(objects)
    for url in (f"{grant.url}&{sub}", grant.url.replace("?", f"?{sub}&")):
        assert await status_of(Grant(url, grant.headers)) == 403


async def test_nodes_are_sent_to_the_address_under_which_they_reach_the_store(s3_url: str) -> None:
    grant = await granted(open_objects(s3_url, "https://store.example.org"))
    assert grant.url.startswith(f"https://store.example.org/{s3_url.rpartition('/')[2]}/{KEY}?")


async def test_a_folder_grants_that_one_writes_oneself(tmp_path: object) -> None:
    assert await granted(open_objects(f"file://{tmp_path}")) == Grant("", {})


def test_no_url_and_no_secret_is_shown() -> None:
    assert "hunter" not in repr(Grant("https://hunter", {})) + repr(Signer("one", "hunter", "us-east-1"))
