"""Soundscapes mixed from recordings of one class each: several classes in one audio, each onset exact.

Offline campaigns are run on them (`bench/mixtures.py`), since a harbor is never silent around one sound. The
same recordings and the same seed give the same mixtures.

1. One class, two or three, at random, and of each a recording at random.
2. Of the recording, half a second to five, from a moment at which it sounds to one at which it still does.
3. Anywhere within ten seconds of noise, at a level of its own; what would clip is softer as a whole.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escolta import audio
from escolta.truth import files_in, read_truth

RATE_HZ = 32_000
SAMPLES = 10 * RATE_HZ
MOST_CLASSES = 3
EVENT_S = (0.5, 5.0)
EVENT_DBFS = (-38.0, -20.0)
"""RMS from onset to offset, where full scale is 1; drawn uniformly in dB."""
FLOOR_DBFS = -50.0
EDGE = RATE_HZ // 100
"""Samples in which an event comes in, and goes out; not even its first and its last sample are nothing."""
FRAME = RATE_HZ // 100
SOUNDING_DB = 40.0
"""A frame sounds if it is no more than this below the loudest frame of its recording."""
PEAK = 0.98

Sound = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """A sound of one class, float64 `[samples]` at `RATE_HZ`."""

    category: str
    sound: Sound

    @cached_property
    def sounding(self) -> NDArray[np.intp]:
        """The frames that sound, ascending."""
        frames = self.sound[: len(self.sound) // FRAME * FRAME].reshape(-1, FRAME)
        level = np.square(frames).mean(axis=1)
        return np.flatnonzero(level >= level.max() * 10 ** (-SOUNDING_DB / 10))


@dataclass(frozen=True)
class Event:
    """A sound as it stands in a mixture, from its sample `onset` on."""

    category: str
    onset: int
    sound: Sound

    @property
    def offset(self) -> int:
        """The sample after its last."""
        return self.onset + len(self.sound)

    @property
    def level_dbfs(self) -> float:
        return audio.level_dbfs(self.sound.astype(np.float32))


@dataclass(frozen=True)
class Mixture:
    """Noise and the events in it, in the order of their onsets."""

    floor: Sound
    events: Sequence[Event]

    def waveform(self) -> Sound:
        """All of it, float64 `[samples]`."""
        mixed = self.floor.copy()
        for event in self.events:
            mixed[event.onset : event.offset] += event.sound
        return mixed


def mix(recordings: Mapping[str, Sequence[Recording]], rng: np.random.Generator) -> Mixture:
    """Ten seconds of some of these recordings, by class."""
    count = int(rng.integers(1, min(MOST_CLASSES, len(recordings)) + 1))
    events = []
    for category in rng.choice(sorted(recordings), count, replace=False).tolist():
        there = recordings[category]
        sound = _excerpt(there[int(rng.integers(len(there)))], rng)
        sound *= 10 ** (rng.uniform(*EVENT_DBFS) / 20) / np.sqrt(np.square(sound).mean())
        events.append(Event(category, int(rng.integers(0, SAMPLES - len(sound) + 1)), sound))
    floor = rng.standard_normal(SAMPLES) * 10 ** (FLOOR_DBFS / 20)
    mixture = Mixture(floor, sorted(events, key=lambda event: event.onset))
    softer = min(1.0, PEAK / float(np.abs(mixture.waveform()).max()))
    softened = [replace(event, sound=event.sound * softer) for event in mixture.events]
    return Mixture(floor * softer, softened)


def _excerpt(recording: Recording, rng: np.random.Generator) -> Sound:
    """Part of a recording, sounding at its begin and at its end, with soft edges."""
    sounding = recording.sounding
    shortest, longest = (round(length_s * RATE_HZ / FRAME) for length_s in EVENT_S)
    begins = sounding[sounding <= max(sounding[0], sounding[-1] + 1 - shortest)]
    begin = int(rng.choice(begins))
    most = begin + int(rng.integers(shortest, longest + 1))
    end = int(sounding[sounding < most].max()) + 1
    sound = recording.sound[begin * FRAME : end * FRAME].copy()
    edge = np.sin(np.pi / 2 * (np.arange(EDGE) + 0.5) / EDGE) ** 2
    sound[:EDGE] *= edge
    sound[-EDGE:] *= edge[::-1]
    return sound


def write_mixtures(audio_folder: Path, truth: Path, into: Path, of_each_fold: int, seed: int) -> None:
    """Write WAVs of 10 s (32 kHz, 16 bit, mono) with their truth into a folder that is not there yet.

    A mixture has its fold, and all that is in it comes from recordings of that fold; without a column `fold`
    there is one. `truth.csv`: filename, category, fold, the category that sounds longest. `events.csv`:
    filename, category, onset_s, offset_s, which name exact samples, and level_dbfs, RMS from onset to offset.
    """
    into.mkdir(parents=True)
    wholes: list[tuple[str, str, int]] = []
    events: list[tuple[str, str, str, str, str]] = []
    for fold, recordings in _by_fold(audio_folder, truth).items():
        for number in range(of_each_fold):
            name = f"mixture-{fold}-{number:04d}.wav"
            mixture = mix(recordings, np.random.default_rng([seed, fold, number]))
            waveform = mixture.waveform().astype(np.float32)
            (into / name).write_bytes(audio.write(waveform, RATE_HZ))
            longest = max(mixture.events, key=lambda event: len(event.sound))
            wholes.append((name, longest.category, fold))
            events += [
                (name, event.category, _s(event.onset), _s(event.offset), f"{event.level_dbfs:.1f}")
                for event in mixture.events
            ]
    _write_csv(into / "truth.csv", ("filename", "category", "fold"), wholes)
    _write_csv(into / "events.csv", ("filename", "category", "onset_s", "offset_s", "level_dbfs"), events)


def _by_fold(folder: Path, table: Path) -> dict[int, dict[str, list[Recording]]]:
    truth = read_truth(table, folder=folder, with_folds=True)
    paths = files_in(folder)
    found: dict[int, dict[str, list[Recording]]] = {}
    for name, category in sorted(truth.only(paths).categories.items()):
        waveform, rate_hz = audio.read(paths[name], name)
        sound = audio.resample(audio.mono(waveform), rate_hz, RATE_HZ).astype(np.float64)
        of_fold = found.setdefault(truth.folds.get(name, 1), {})
        of_fold.setdefault(category, []).append(Recording(category, sound))
    return dict(sorted(found.items()))


def _s(sample: int) -> str:
    """Seconds, to the last digit: a sample is 31.25 µs."""
    return f"{sample / RATE_HZ:.8f}"


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
