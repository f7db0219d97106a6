"""A node whose clock was wrong: once it is set, what waits goes through with its right start, by itself."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from unit.node_agent.patience import until
from unit.node_agent.sounds import write_noise

from escolta.clock import ManualClock
from escolta.events import AudioAccepted, AudioHeld, AudioRecorded, UploadGranted
from escolta.runtime import running
from escolta.service import Message, Platform, Service, Subscription
from escolta.settings import Settings
from node_agent.recording.dating import can_be_true
from node_agent.redated import ASIDE
from node_agent.service import build
from node_agent.spool import Spool

NODE = "quay-1"
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
AUDIOS = 60


class Ingest:
    """Holds what cannot be true by its own clock, which is right; grants and accepts the rest."""

    def __init__(self) -> None:
        self.silent = False
        self.accepts = True
        self.heard: list[AudioRecorded] = []
        self.accepted: list[AudioRecorded] = []
        self._on: Platform

    def build(self, on: Platform) -> Service:
        self._on = on
        return Service("ingest", [Subscription(AudioRecorded, self.recorded)], uses_catalog=False)

    async def recorded(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        for event in (message.event for message in messages):
            self.heard.append(event.model_copy(update={"stored": None}))
            if not self.silent:
                await self._answer(event)

    async def _answer(self, event: AudioRecorded) -> None:
        to: dict[str, Any] = {"audio_id": event.audio_id, "node": event.node, "sha256": event.sha256}
        if not can_be_true(event.start, NOW):
            await self._on.bus.publish(AudioHeld(**to, kind="clock", reason="Set the node's clock."))
            return
        await self._on.objects.grant(event.object_key, 1, event.sha256, "")
        if await self._on.objects.head(event.object_key) is None:
            await self._on.bus.publish(UploadGranted(**to, url="", headers={}, good_for_s=60))
        elif self.accepts:
            told = event.model_copy(update={"stored": None})
            if told not in self.accepted:
                self.accepted.append(told)
            await self._on.bus.publish(AudioAccepted(**to))


class Shore:
    """A node at work with a clock of its own, and ingest."""

    def __init__(self, folder: Path, clock: ManualClock, ingest: Ingest) -> None:
        self._folder, self.clock, self.ingest = folder, clock, ingest
        self._jobs: dict[str, Callable] = {}

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        settings = Settings(
            state_dir=self._folder / "var",
            objects_url=f"file://{self._folder}/objects",
            node_name=NODE,
            replay_dir=self._folder / "in",
            secret=SecretStr("a secret of the tests alone"),
        )
        async with running(settings, [build, self.ingest.build], clock=self.clock) as (_, services):
            self._jobs = {job.run.__name__: job.run for service in services for job in service.jobs}
            yield

    def waiting(self) -> int:
        return len(list((self._folder / "var" / "spool" / NODE / "waiting").glob("*.json")))

    def stored(self) -> int:
        return len(list((self._folder / "objects").rglob("*.wav")))

    def is_in_doubt(self) -> bool:
        """Whether ingest has held audios for their starts."""
        return self._jobs["look"].__self__._sender._doubted  # type: ignore[attr-defined]

    async def set_clock(self, now: datetime) -> None:
        """As NTP does, and let the node notice."""
        self.clock.set(now)
        await self._jobs["look"]()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until it holds; the time goes by meanwhile."""
        for _ in range(2000):
            if holds():
                return
            await self.clock.advance(15)
            await until(lambda: bool(self.clock._sleepers) or holds())
        assert holds()


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


def shore_at(tmp_path: Path, now: datetime, ingest: Ingest) -> Shore:
    for number in range(AUDIOS):
        write_noise(tmp_path / "in" / f"{number:02}.wav", 0.1, seed=number)
    return Shore(tmp_path, ManualClock(now), ingest)


@pytest.mark.parametrize("wrong", [datetime(1970, 1, 1, 0, 30, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)])
async def test_what_a_clock_that_was_never_set_has_dated_goes_through_once_it_is(
    tmp_path: Path, ingest: Ingest, wrong: datetime
) -> None:
    shore = shore_at(tmp_path, wrong, ingest)
    async with shore.at_work():
        await until(lambda: shore.waiting() == AUDIOS and bool(ingest.heard))
        dated = sorted(event.start for event in ingest.heard)
        assert ingest.accepted == []
        await shore.set_clock(NOW)
        await shore.until(lambda: shore.waiting() == 0)
    assert len(ingest.accepted) == AUDIOS == shore.stored()
    starts = sorted(event.start for event in ingest.accepted)
    assert starts[0] == dated[0] + (NOW - wrong) + ASIDE
    assert starts == [starts[0] + timedelta(seconds=10 * number) for number in range(AUDIOS)]


async def test_what_was_recorded_without_a_network_by_a_clock_that_was_late_is_dated_anew(
    tmp_path: Path, ingest: Ingest
) -> None:
    late = NOW - timedelta(hours=5)
    shore = shore_at(tmp_path, late, ingest)
    ingest.silent = True
    async with shore.at_work():
        await until(lambda: shore.waiting() == AUDIOS and bool(ingest.heard))
        await shore.set_clock(NOW)
        ingest.silent = False
        await shore.until(lambda: shore.waiting() == 0)
    assert len(ingest.accepted) == AUDIOS == shore.stored()
    assert max(event.start for event in ingest.accepted) == NOW - timedelta(seconds=10) + ASIDE


async def test_what_may_be_cataloged_already_keeps_its_start(tmp_path: Path, ingest: Ingest) -> None:
    shore = shore_at(tmp_path, NOW - timedelta(hours=5), ingest)
    ingest.accepts = False
    async with shore.at_work():
        await shore.until(lambda: shore.stored() >= 8)
        stored = {path.stem for path in (tmp_path / "objects").rglob("*.wav")}
        await shore.set_clock(NOW)
        ingest.accepts = True
        await shore.until(lambda: shore.waiting() == 0)
    assert len(ingest.accepted) == AUDIOS == shore.stored()
    assert stored <= {str(event.audio_id) for event in ingest.accepted}


async def test_what_an_earlier_process_has_dated_so_that_it_cannot_be_true_is_put_right_too(
    tmp_path: Path, ingest: Ingest
) -> None:
    shore = shore_at(tmp_path, datetime(1970, 1, 1, 0, 30, tzinfo=UTC), ingest)
    async with shore.at_work():
        await until(lambda: shore.waiting() == AUDIOS)
    shore.clock.set(NOW)
    async with shore.at_work():
        await until(lambda: shore.is_in_doubt())
        await shore.set_clock(NOW)
        await shore.until(lambda: shore.waiting() == 0)
    assert len(ingest.accepted) == AUDIOS == shore.stored()


async def test_a_full_disk_puts_it_off_and_the_next_look_goes_on(
    tmp_path: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shore = shore_at(tmp_path, NOW - timedelta(hours=5), ingest)
    ingest.silent = True
    async with shore.at_work():
        await until(lambda: shore.waiting() == AUDIOS and bool(ingest.heard))
        with monkeypatch.context() as full:
            full.setattr(Spool, "redate", no_space)
            with pytest.raises(OSError, match="No space"):
                await shore.set_clock(NOW)
        await shore.set_clock(NOW)
        ingest.silent = False
        await shore.until(lambda: shore.waiting() == 0)
    assert max(event.start for event in ingest.accepted) == NOW - timedelta(seconds=10) + ASIDE


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")
