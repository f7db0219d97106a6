"""A folder, played: what the tests of the replay have in common."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from escolta.clock import Clock, ManualClock
from node_agent.recording.recorder import RecordedAudio
from node_agent.recording.replay import Replay

NOW = datetime(2024, 5, 1, 10, 0, 0, 500, tzinfo=UTC)


def replay_of(
    folder: Path, state: Path, *, speed: float = 0, clock: Clock | None = None, make: bool = False
) -> Replay:
    """A replay of `folder`, which it may `make`."""
    state.mkdir(exist_ok=True)
    if make:
        folder.mkdir()
    return Replay(folder, state, clock or ManualClock(NOW), speed)


async def played(replay: Replay, most: int = 1000) -> list[RecordedAudio]:
    """The audios up to the `most`-th, which is taken but, as in a crash, never said to be safe."""
    audios = []
    async with asyncio.timeout(240):
        async for audio in replay.audios():
            audios.append(audio)
            if len(audios) == most:
                break
    return audios


def keys(audios: list[RecordedAudio]) -> list[tuple[datetime, str, bytes]]:
    return [(audio.start, audio.file_name, audio.data) for audio in audios]
