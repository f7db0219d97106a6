"""What an object store does, whichever it is."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from contract.stores import KEY, VERBS, names_in

from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient
from escolta.objects import Objects, files, open_objects, s3
from escolta.objects.port import Stored
from servers.process import free_ports
from servers.seaweed import client_of


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that is not there yet: neither folder nor bucket."""
    return (
        f"file://{tmp_path}/a folder/objects"
        if request.param == "file"
        else request.getfixturevalue("s3_url")
    )


@pytest.fixture
async def objects(url: str) -> AsyncIterator[Objects]:
    async with aclosing(open_objects(url)) as objects:
        yield objects


async def test_what_was_put_comes_back(objects: Objects) -> None:
    await objects.put(KEY, b"RIFF\x00\xff")
    assert await objects.get(KEY) == b"RIFF\x00\xff"
    assert await objects.head(KEY) == Stored(6, "")


async def test_an_empty_object_is_an_object(objects: Objects) -> None:
    await objects.put(KEY, b"")
    assert await objects.get(KEY) == b""
    assert await objects.head(KEY) == Stored(0, "")


async def test_an_object_of_several_megabytes_comes_back_whole(objects: Objects) -> None:
    data = os.urandom(7_000_001)
    await objects.put(KEY, data)
    assert hashlib.sha256(await objects.get(KEY)).digest() == hashlib.sha256(data).digest()


async def test_another_process_sees_what_was_put(objects: Objects, url: str) -> None:
    await objects.put(KEY, b"sound")
    assert await open_objects(url).get(KEY) == b"sound"


async def test_the_same_bytes_again_change_nothing(objects: Objects) -> None:
    await objects.put(KEY, b"sound", "a-note")
    await objects.put(KEY, b"sound", "another-note")
    assert await objects.get(KEY) == b"sound"
    assert await objects.head(KEY) == Stored(5, "a-note")


async def test_other_bytes_are_rejected_and_the_first_ones_kept(objects: Objects) -> None:
    await objects.put(KEY, b"old", "a-note")
    with pytest.raises(Rejected, match="there are other bytes"):
        await objects.put(KEY, b"new", "another-note")
    assert await objects.get(KEY) == b"old"
    assert await objects.head(KEY) == Stored(3, "a-note")


async def test_a_note_is_no_object_and_goes_with_its_own(objects: Objects) -> None:
    await objects.put(KEY, b"sound", "a-note")
    assert [key async for key in objects.keys("")] == [KEY]
    await objects.delete(KEY)
    await objects.put(KEY, b"sound")
    assert await objects.head(KEY) == Stored(5, "")


@pytest.mark.parametrize("note", ["x" * 1801, "a note", "caf\u00e9", "a\nb"])
async def test_what_a_store_could_not_keep_is_no_note(objects: Objects, note: str) -> None:
    with pytest.raises(Rejected, match="an object's note has at most"):
        await objects.put(KEY, b"sound", note)
    with pytest.raises(Rejected, match="an object's note has at most"):
        await objects.grant(KEY, 5, "0" * 64, note)


async def test_the_keys_of_a_prefix_are_listed_page_by_page(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PAGE", 3)
    monkeypatch.setattr(s3, "PAGE", 3)
    named = {f"audio/{node}/{number}" for node in ("quay-1", "quay-10") for number in range(8)}
    await asyncio.gather(*(objects.put(key, b"sound") for key in named))
    assert {key async for key in objects.keys("")} == named
    assert {key async for key in objects.keys("audio/quay-1/")} == {
        f"audio/quay-1/{number}" for number in range(8)
    }
    assert {key async for key in objects.keys("audio/quay-1")} == named
    assert [key async for key in objects.keys("audio/quay-2/")] == []


async def test_an_absent_object_has_no_size_and_cannot_be_got(objects: Objects) -> None:
    await objects.put("another", b"sound")
    assert await objects.head(KEY) is None
    with pytest.raises(ObjectMissing, match=KEY):
        await objects.get(KEY)


async def test_a_folder_of_objects_is_no_object(objects: Objects) -> None:
    await objects.put("audio/one.wav", b"sound")
    assert await objects.head("audio") is None
    with pytest.raises(ObjectMissing):
        await objects.get("audio")
    await objects.delete("audio")
    assert await objects.get("audio/one.wav") == b"sound"


async def test_a_name_below_an_object_is_absent(objects: Objects) -> None:
    await objects.put("audio", b"sound")
    assert await objects.head("audio/one.wav") is None
    with pytest.raises(ObjectMissing):
        await objects.get("audio/one.wav")


async def test_a_deleted_object_is_gone_and_can_be_deleted_again(objects: Objects) -> None:
    await objects.put(KEY, b"sound")
    await objects.delete(KEY)
    await objects.delete(KEY)
    assert await objects.head(KEY) is None


async def test_many_at_once_from_an_empty_store(objects: Objects) -> None:
    keys = [f"audio/{number}" for number in range(40)]
    await asyncio.gather(*(objects.put(key, key.encode()) for key in keys))
    assert await asyncio.gather(*(objects.get(key) for key in keys)) == [key.encode() for key in keys]


async def test_of_many_puts_at_once_one_is_first_and_the_others_are_rejected(objects: Objects) -> None:
    versions = [bytes([number]) * 100_000 for number in range(8)]
    puts = [objects.put(KEY, version) for version in versions]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert sorted(isinstance(result, Rejected) for result in results) == [False] + [True] * 7
    assert await objects.get(KEY) == versions[results.index(None)]


BAD_KEYS = [
    "",
    "/etc/passwd",
    "../secret",
    "audio/../../x",
    "a//b",
    "a/",
    ".hidden",
    "a/.b",
    "-x",
    "a b",
    "é",
]
BAD_KEYS += ["a\\b", "a\nb", "a\0b", "a?b", "x" * 201, "a/" * 300 + "a"]


@pytest.mark.parametrize("verb", VERBS, ids=["put", "grant", "get", "head", "delete"])
@pytest.mark.parametrize("key", BAD_KEYS)
async def test_what_is_no_key_is_rejected_by_every_verb(
    tmp_path: Path, verb: Callable[..., object], key: str
) -> None:
    stores = ["s3://key:secret@127.0.0.1:1/bucket", f"file://{tmp_path}/objects"]
    for objects in map(open_objects, stores):
        with pytest.raises(Rejected, match="is not an object key"):
            await verb(objects, key)  # type: ignore[misc]
    assert names_in(tmp_path) == []


async def test_a_bucket_that_somebody_removed_is_made_again(s3_url: str, s3_store: str) -> None:
    objects = open_objects(s3_url)
    await objects.put("one", b"sound")
    await objects.delete("one")
    client_of(s3_store).remove_bucket(s3_url.rpartition("/")[2])
    await objects.put("two", b"sound")
    assert await objects.get("two") == b"sound"


async def test_a_request_that_the_store_does_not_take_is_misconfigured() -> None:
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong</Message></Error>"
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\nConnection: close\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        objects = open_objects(f"s3://key:secret@127.0.0.1:{port}/bucket")
        with pytest.raises(Misconfigured, match="is it an S3 store"):
            await objects.put("one", b"sound")


async def test_a_store_that_is_away_is_transient() -> None:
    objects = open_objects(f"s3://key:secret@127.0.0.1:{free_ports(1)[0]}/bucket")
    with pytest.raises(Transient, match="cannot be reached"):
        await objects.get("one")


@pytest.mark.parametrize("login", ["escolta-tests:Wrong-Word", "nobody:Wrong-Word"])
async def test_refused_credentials_are_misconfigured_and_not_shown(s3_url: str, login: str) -> None:
    objects = open_objects(f"s3://{login}@{s3_url.rpartition('@')[2]}")
    with pytest.raises(Misconfigured, match="refuses the credentials") as error:
        await objects.put("one", b"sound")
    assert "Wrong-Word" not in str(error.value) + repr(objects)


@pytest.mark.parametrize(
    "url",
    [
        "s3://127.0.0.1/bucket",
        "s3://key@127.0.0.1/bucket",
        "s3://key:Sec/ret@127.0.0.1/bucket",
        "s3://key:Secret@127.0.0.1:port/bucket",
        "s3://key:Secret@127.0.0.1",
        "s3://key:Secret@127.0.0.1/bucket/folder",
        "s3://key:Secret@127.0.0.1/Bucket",
        "s3://key:Secret@127.0.0.1/bucket?secure=maybe",
        "s3://key:Secret@127.0.0.1/bucket?region=x",
        "file://",
        "ftp://key:Secret@127.0.0.1/bucket",
        "var/objects",
    ],
)
def test_a_wrong_url_is_misconfigured_and_its_secret_not_shown(url: str) -> None:
    with pytest.raises(Misconfigured, match="ESCOLTA_OBJECTS_URL") as error:
        open_objects(url)
    assert "Sec" not in str(error.value)
    assert error.value.__cause__ is None


async def test_credentials_are_percent_decoded(s3_url: str) -> None:
    encoded = "".join(f"%{ord(letter):02X}" for letter in s3_url.partition("://")[2].partition(":")[0])
    scheme, _, rest = s3_url.partition("://")
    objects = open_objects(f"{scheme}://{encoded}:{rest.partition(':')[2]}")
    await objects.put("one", b"sound")
    assert await objects.head("one") == Stored(5, "")
