"""Two places as one store, whichever each of them is: a folder, or a bucket of SeaweedFS."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from contract.stores import KEY

from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient
from escolta.objects import open_objects
from escolta.objects.cold import MARK, WithCold
from escolta.objects.port import Stored


@pytest.fixture(params=["file, file", "s3, file", "s3, s3", "file, s3"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    kinds = request.param.split(", ")
    s3_url = request.getfixturevalue("s3_url") if "s3" in kinds else ""
    (tmp_path / "cold").mkdir()
    return [
        f"{s3_url}-{name}" if kind == "s3" else f"file://{tmp_path}/{name}"
        for kind, name in zip(kinds, ("hot", "cold"), strict=True)
    ]


@pytest.fixture
async def both(urls: list[str]) -> AsyncIterator[WithCold]:
    objects = open_objects(urls[0], cold_url=urls[1])
    assert isinstance(objects, WithCold)
    async with aclosing(objects):
        yield objects


async def test_what_is_put_lies_in_the_first_place(both: WithCold) -> None:
    await both.put(KEY, b"sound", "a-note")
    assert await both.hot.get(KEY) == await both.get(KEY) == b"sound"
    assert await both.cold.head(KEY) is None


async def test_what_has_moved_is_read_as_before(both: WithCold) -> None:
    await both.hot.put("audio/another.wav", b"new")
    await both.cold.put(KEY, b"sound", "a-note")
    assert await both.get(KEY) == b"sound"
    assert await both.head(KEY) == Stored(5, "a-note")
    assert {key async for key in both.keys("audio/")} == {KEY, "audio/another.wav"}


async def test_what_is_nowhere_is_missing(both: WithCold) -> None:
    await both.put("audio/another.wav", b"new")
    await both.cold.put(MARK, b"")
    assert await both.head(KEY) is None
    with pytest.raises(ObjectMissing, match=KEY):
        await both.get(KEY)


async def test_what_has_moved_is_not_written_again_and_never_changed(both: WithCold) -> None:
    await both.cold.put(KEY, b"sound")
    await both.hot.put("audio/another.wav", b"new")
    await both.put(KEY, b"sound")
    assert await both.hot.head(KEY) is None
    with pytest.raises(Rejected, match="never changed"):
        await both.put(KEY, b"other")


async def test_what_is_deleted_is_gone_from_both(both: WithCold) -> None:
    for place in (both.hot, both.cold):
        await place.put(KEY, b"sound")
    await both.delete(KEY)
    assert await both.hot.head(KEY) is await both.cold.head(KEY) is None


async def test_the_mark_of_the_second_place_is_no_object_of_ours(both: WithCold) -> None:
    await both.cold.put(MARK, b"")
    await both.put(KEY, b"sound")
    assert [key async for key in both.keys("")] == [KEY]


async def test_a_second_place_that_is_not_there_is_told_by_its_own_name(tmp_path: Path) -> None:
    objects = open_objects(f"file://{tmp_path}/hot", cold_url=f"file://{tmp_path}/cold")
    with pytest.raises(Transient, match="mount its disk, or correct ESCOLTA_COLD_OBJECTS_URL"):
        await objects.put(KEY, b"sound")
    with pytest.raises(Misconfigured, match="ESCOLTA_COLD_OBJECTS_URL lacks a part"):
        open_objects(f"file://{tmp_path}/hot", cold_url="s3://host/bucket")
