"""Old sounds move to the second place, and whoever reads them notices nothing."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from unit.retaining.at_work import LATE, NEW, OLD, PROPOSED, TO, Harbor
from unit.retaining.test_command import retain

from escolta.errors import Misconfigured, Transient
from escolta.objects import Objects, open_objects
from escolta.objects.cold import MARK, WithCold
from escolta.retaining import moving
from escolta.retaining.moving import Moved

ALL = {OLD, PROPOSED, LATE, NEW}
COLD = {"ESCOLTA_COLD_AFTER_DAYS": "1"}


@pytest.fixture(params=["folder", "bucket"])
def cold_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "bucket":
        return request.getfixturevalue("s3_url")
    (tmp_path / "cold").mkdir()
    return f"file://{tmp_path}/cold"


@pytest.fixture
async def both(cold_url: str, harbor: Harbor, tmp_path: Path) -> AsyncIterator[WithCold]:
    """The harbor's store with a second place, and rows that say what the sounds are."""
    await harbor.db.execute("UPDATE audio.audios SET sha256 = sha256('x')")
    objects = open_objects(f"file://{tmp_path}/objects", cold_url=cold_url)
    assert isinstance(objects, WithCold)
    async with aclosing(objects):
        yield objects


async def in_(objects: Objects) -> set[UUID]:
    return {UUID(Path(key).stem) async for key in objects.keys("audio/")}


async def move(harbor: Harbor, objects: WithCold, to: datetime = TO) -> Moved:
    return await moving.move(harbor.db, objects, to, lambda _: None)


async def test_what_is_old_moves_proposed_or_not_and_nothing_is_lost(harbor: Harbor, both: WithCold) -> None:
    assert await moving.counted(harbor.db, TO) == Moved(audios=2, bytes=400)
    assert await move(harbor, both) == Moved(audios=2, bytes=2)
    assert (await in_(both.hot), await in_(both.cold)) == ({LATE, NEW}, {OLD, PROPOSED})
    assert {await both.get(f"audio/{audio_id}.wav") for audio_id in ALL} == {b"x"}
    assert await harbor.ids("audio.hearable") == ALL


async def test_the_next_night_goes_on_where_it_was(harbor: Harbor, both: WithCold) -> None:
    await move(harbor, both)
    assert (await move(harbor, both, datetime(2024, 7, 5, tzinfo=UTC))).audios == 1
    assert await in_(both.cold) == {OLD, PROPOSED, LATE}


async def test_broken_off_each_sound_is_in_one_place_at_least(harbor: Harbor, both: WithCold) -> None:
    class Away:
        async def put(self, key: str, data: bytes, note: str = "") -> None:
            if key == MARK:
                return
            raise Transient("the second place is away")

        async def head(self, key: str) -> None:
            return None

    with pytest.raises(Transient):
        await move(harbor, WithCold(both.hot, Away()))  # type: ignore[arg-type]  # nothing else is asked
    assert await in_(both) == ALL
    assert (await move(harbor, both)).audios == 2


async def test_a_damaged_sound_stays_where_it_is_and_is_told(harbor: Harbor, both: WithCold) -> None:
    await harbor.db.execute("UPDATE audio.audios SET sha256 = sha256('y') WHERE audio_id = $1", OLD)
    said: list[str] = []
    assert await moving.move(harbor.db, both, TO, said.append) == Moved(audios=1, bytes=1, damaged=1)
    assert OLD in await in_(both.hot)
    assert f"audio/{OLD}.wav is not what its node sent: it stays where it is" in said


async def test_what_was_dropped_does_not_move_and_what_has_moved_is_dropped(
    harbor: Harbor, both: WithCold
) -> None:
    await move(harbor, both)
    harbor.objects = both
    assert (await harbor.drop()).audios == 1
    assert (await in_(both.hot), await in_(both.cold)) == ({LATE, NEW}, {PROPOSED})
    await moving.go_through_again(harbor.db)
    assert (await moving.counted(harbor.db, TO)).audios == 1


async def test_what_a_restore_has_brought_back_moves_again(harbor: Harbor, both: WithCold) -> None:
    await move(harbor, both)
    await both.hot.put(f"audio/{OLD}.wav", b"x")
    assert await move(harbor, both) == Moved()
    await moving.go_through_again(harbor.db)
    assert await move(harbor, both) == Moved(audios=1, bytes=1)
    assert await in_(both.hot) == {LATE, NEW}


@pytest.mark.parametrize("again", [False, True])
async def test_nothing_moves_to_another_place_than_before(
    harbor: Harbor, both: WithCold, tmp_path: Path, again: bool
) -> None:
    """As when the disk is not mounted, and its folder is empty."""
    await move(harbor, both)
    if again:
        await moving.go_through_again(harbor.db)
    (tmp_path / "unmounted").mkdir()
    wrong = WithCold(both.hot, open_objects(f"file://{tmp_path}/unmounted"))
    with pytest.raises(Misconfigured, match="mount its disk, or correct the address"):
        await move(harbor, wrong, datetime(2024, 7, 5, tzinfo=UTC))
    assert await in_(both) == ALL


async def test_the_operators_timer_moves_what_stays(harbor: Harbor, catalog_url: str, tmp_path: Path) -> None:
    await harbor.db.execute("UPDATE audio.audios SET sha256 = sha256('x')")
    said = await retain(catalog_url, tmp_path, "--yes", **COLD)
    assert said.status == 2
    assert "set ESCOLTA_COLD_OBJECTS_URL for every service" in said.err
    (tmp_path / "cold").mkdir()
    given = COLD | {"ESCOLTA_COLD_OBJECTS_URL": f"file://{tmp_path}/cold", "ESCOLTA_KEEP_AUDIO_DAYS": "1"}
    counted = await retain(catalog_url, tmp_path, **given)
    assert "4 sounds from before" in counted.out  # nothing is dropped yet
    assert await harbor.stored() == ALL
    said = await retain(catalog_url, tmp_path, "--yes", "--metrics", tmp_path / "retain.prom", **given)
    assert said.status == 0, said.err
    assert await harbor.stored() == set()
    assert await in_(open_objects(f"file://{tmp_path}/cold")) == {PROPOSED}
    assert "escolta_retain_moved_audios 1\n" in (tmp_path / "retain.prom").read_text()
