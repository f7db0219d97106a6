"""What the replay remembers: the place in time of each sound, and what earlier versions wrote."""

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.node_agent.playing import NOW, keys, played, replay_of
from unit.node_agent.sounds import write_noise

from escolta.errors import Misconfigured
from node_agent.recording.folder import FoundFile
from node_agent.recording.journal import Journal, NewSound, Sound
from node_agent.recording.times import OF_THE_REPLAY, SaidTime


def new(name: str, audios: int, start: datetime | None = None) -> NewSound:
    said = SaidTime(start, "file names" if start else OF_THE_REPLAY)
    return NewSound(FoundFile(name, name, 1, 0, name), None, audios, said)


def begin_all(journal: Journal) -> Sequence[Sound]:
    sounds = []
    while sound := journal.next():
        journal.begin(sound, sound.name, sound.audios)
        sounds.append(journal.sound(sound.number))
        for _ in range(sound.audios):
            journal.advance(sound)
    return sounds


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.integers(1, 50), min_size=1, max_size=5),  # audios of each file
            st.integers(0, 2000),  # seconds since the last row
            st.sampled_from([0.0, 0.5, 1.0, 3.0, 100.0]),
        ),
        max_size=6,
    )
)
@settings(max_examples=60)
def test_sounds_without_a_time_lie_one_after_the_other(rows: list[tuple[list[int], int, float]]) -> None:
    now = NOW
    with tempfile.TemporaryDirectory() as folder:
        for number, (audios, pause_s, speed) in enumerate(rows):
            now += timedelta(seconds=pause_s)
            journal = Journal(Path(folder))
            journal.plan([new(f"{number}/{index}", count) for index, count in enumerate(audios)], now, speed)
        sounds = begin_all(Journal(Path(folder)))
    assert len(sounds) == sum(len(audios) for audios, _, _ in rows)
    places = sorted((sound.start, sound.start_of(sound.audios)) for sound in sounds)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))


@given(
    said=st.lists(
        st.tuples(st.integers(1, 9), st.none() | st.integers(0, 60), st.sampled_from([0, 0, 1, 2])),
        max_size=12,
    )
)
@settings(max_examples=100)
def test_no_two_audios_begin_at_the_same_moment_whatever_their_recorders_say(
    said: list[tuple[int, int | None, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        for number, (audios, second, microseconds) in enumerate(said):
            start = None if second is None else NOW + timedelta(seconds=second, microseconds=microseconds)
            journal.plan([new(str(number), audios, start)], NOW, 0)
        sounds = begin_all(journal)
    starts = [sound.start_of(index) for sound in sounds for index in range(sound.audios)]
    assert len(set(starts)) == len(starts) == sum(audios for audios, _, _ in said)
    for sound, (_, second, microseconds) in zip(sounds, said, strict=True):
        if second is not None:
            moved = sound.start - NOW - timedelta(seconds=second, microseconds=microseconds)
            assert timedelta() <= moved < timedelta(milliseconds=1)


def test_a_damaged_journal_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "replay.sqlite").write_bytes(b"what a power cut may leave" * 100)
    with pytest.raises(Misconfigured, match=r"replay\.sqlite is damaged .* move it away"):
        Journal(tmp_path)


async def test_what_an_earlier_version_wrote_is_gone_on_with(tmp_path: Path) -> None:
    """Of its three files one is played, and one is half played."""
    state, lines = tmp_path / "state", []
    state.mkdir()
    for number, count in enumerate((1, 3, 1)):
        path = write_noise(tmp_path / "in" / f"{number}.wav", 10 * count - 5, seed=number)
        file = {"path": str(path), "name": path.name, "size_bytes": path.stat().st_size}
        start = datetime(2024, 1, 1, 0, number, tzinfo=UTC)
        lines.append(json.dumps({"file": file, "audios": count, "start": start.isoformat()}) + "\n")
    (state / "replay.jsonl").write_text("".join(lines))
    (state / "replay.json").write_text(json.dumps({"entry": 1, "audio": 2}))

    replay = replay_of(tmp_path / "in", state)
    audios = await played(replay, most=1)
    assert [(audio.file_name, audio.start.minute, audio.start.second) for audio in audios] == [
        ("1_00020s.wav", 1, 20)
    ]
    again = await played(replay_of(tmp_path / "in", state))
    assert keys(again)[:1] == keys(audios)
    assert [audio.file_name for audio in again] == ["1_00020s.wav", "2.wav"]

    (tmp_path / "in" / "0.wav").rename(tmp_path / "in" / "moved.wav")
    write_noise(tmp_path / "in" / "1.wav", 25, seed=7)  # another sound of the same name and size
    assert [audio.samples for audio in await played(replay)] == [1000, 1000, 500]
