"""What an object store does, whichever it is."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient
from escolta.objects import Objects, open_objects
from servers.process import free_ports
from servers.seaweed import client_of

KEY = "audio/node-1/2026-11-23/0b9d2f.wav"


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that is not there yet: neither folder nor bucket."""
    return (
        f"file://{tmp_path}/a folder/objects"
        if request.param == "file"
        else request.getfixturevalue("s3_url")
    )


@pytest.fixture
def objects(url: str) -> Objects:
    return open_objects(url)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_was_put_comes_back(objects: Objects) -> None:
    await objects.put(KEY, b"RIFF\x00\xff")
    assert await objects.get(KEY) == b"RIFF\x00\xff"
    assert await objects.size(KEY) == 6


async def test_an_empty_object_is_an_object(objects: Objects) -> None:
    await objects.put(KEY, b"")
    assert await objects.get(KEY) == b""
    assert await objects.size(KEY) == 0


async def test_an_object_of_several_megabytes_comes_back_whole(objects: Objects) -> None:
    data = os.urandom(7_000_001)
    await objects.put(KEY, data)
    assert hashlib.sha256(await objects.get(KEY)).digest() == hashlib.sha256(data).digest()


async def test_another_process_sees_what_was_put(objects: Objects, url: str) -> None:
    await objects.put(KEY, b"sound")
    assert await open_objects(url).get(KEY) == b"sound"


async def test_a_repeated_put_is_harmless(objects: Objects) -> None:
    await objects.put(KEY, b"old")
    await objects.put(KEY, b"new sound")
    assert await objects.get(KEY) == b"new sound"
    assert await objects.size(KEY) == 9


async def test_an_absent_object_has_no_size_and_cannot_be_got(objects: Objects) -> None:
    assert await objects.size(KEY) is None
    with pytest.raises(ObjectMissing, match=KEY):
        await objects.get(KEY)


async def test_a_folder_of_objects_is_no_object(objects: Objects) -> None:
    await objects.put("audio/one.wav", b"sound")
    assert await objects.size("audio") is None
    with pytest.raises(ObjectMissing):
        await objects.get("audio")
    await objects.delete("audio")
    assert await objects.get("audio/one.wav") == b"sound"


async def test_a_name_below_an_object_is_absent(objects: Objects) -> None:
    await objects.put("audio", b"sound")
    assert await objects.size("audio/one.wav") is None
    with pytest.raises(ObjectMissing):
        await objects.get("audio/one.wav")


async def test_a_deleted_object_is_gone_and_can_be_deleted_again(objects: Objects) -> None:
    await objects.put(KEY, b"sound")
    await objects.delete(KEY)
    await objects.delete(KEY)
    assert await objects.size(KEY) is None


async def test_many_at_once_from_an_empty_store(objects: Objects) -> None:
    keys = [f"audio/{number}" for number in range(40)]
    await asyncio.gather(*(objects.put(key, key.encode()) for key in keys))
    assert await asyncio.gather(*(objects.get(key) for key in keys)) == [key.encode() for key in keys]


async def test_the_same_key_put_many_times_at_once_is_never_a_mixture(objects: Objects) -> None:
    versions = [bytes([number]) * 100_000 for number in range(8)]
    await asyncio.gather(*(objects.put(KEY, version) for version in versions))
    assert await objects.get(KEY) in versions


VERBS: list[Callable[[Objects, str], object]] = [
    lambda objects, key: objects.put(key, b"sound"),
    lambda objects, key: objects.get(key),
    lambda objects, key: objects.size(key),
    lambda objects, key: objects.delete(key),
]
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


@pytest.mark.parametrize("verb", VERBS, ids=["put", "get", "size", "delete"])
@pytest.mark.parametrize("key", BAD_KEYS)
async def test_what_is_no_key_is_rejected_by_every_verb(
    tmp_path: Path, verb: Callable[..., object], key: str
) -> None:
    stores = ["s3://key:secret@127.0.0.1:1/bucket", f"file://{tmp_path}/objects"]
    for objects in map(open_objects, stores):
        with pytest.raises(Rejected, match="is not an object key"):
            await verb(objects, key)  # type: ignore[misc]
    assert names_in(tmp_path) == []


async def test_a_key_below_another_key_is_rejected_by_files(tmp_path: Path) -> None:
    objects = open_objects(f"file://{tmp_path}")
    await objects.put("audio", b"sound")
    with pytest.raises(Rejected, match="audio/one"):
        await objects.put("audio/one", b"sound")
    await objects.put("other/one", b"sound")
    with pytest.raises(Rejected, match="other"):
        await objects.put("other", b"sound")


async def test_a_put_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = open_objects(f"file://{tmp_path}")
    await objects.put("one", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Transient, match="No space left"):
        await objects.put("one", b"new")
    assert names_in(tmp_path) == ["one"]
    assert await objects.get("one") == b"old"


async def test_a_file_that_its_disk_cannot_read_is_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = open_objects(f"file://{tmp_path}")

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(OSError, match="Input/output error"):
        await objects.get("one")


async def test_a_relative_folder_is_one_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = open_objects("file://var/objects")
    monkeypatch.chdir("/")
    await objects.put("one", b"sound")
    assert (tmp_path / "var/objects/one").read_bytes() == b"sound"


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
    assert await objects.size("one") == 5
