"""The built-in soundscape: a harbor of our own making, for when no recordings are at hand."""

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from escolta import audio
from escolta.errors import Misconfigured
from escolta_demo import harbor_sounds as sounds
from escolta_demo.harbor_sounds import RATE_HZ
from node_agent.recording.cut import AUDIO_S

SILENCE = "silence"
GRID_S = 0.01  # onsets and offsets lie on it, so that two decimals of a second are exact


@dataclass(frozen=True)
class Voice:
    """How a class sounds: how often in an audio, how long, how loud its loudest moment is."""

    make: Callable[[np.random.Generator, float], sounds.Sound]
    events: tuple[int, int]
    duration_s: tuple[float, float]
    peak_dbfs: tuple[float, float]


VOICES = {
    "engine": Voice(sounds.engine, (1, 1), (5.0, 10.0), (-20, -6)),
    "horn": Voice(sounds.horn, (1, 3), (1.5, 3.0), (-14, -3)),
    "reversing_beep": Voice(sounds.reversing_beep, (1, 1), (3.5, 8.0), (-26, -10)),
    "impact": Voice(sounds.impact, (3, 6), (0.5, 1.3), (-14, -2)),
    "gull": Voice(sounds.gull, (2, 4), (1.2, 2.6), (-20, -6)),
    "rain": Voice(sounds.rain, (1, 1), (6.0, 10.0), (-24, -12)),
}
CLASSES = (*VOICES, SILENCE)

FLOOR_DBFS = (-64.0, -52.0)
OVERLAP_SHARE = 0.4
"""Share of the audios in which a second class sounds as well, more shortly than the first."""


@dataclass(frozen=True)
class SoundEvent:
    """One sound of an audio, from its onset to its offset."""

    category: str
    onset_s: float
    offset_s: float

    @property
    def duration_s(self) -> float:
        return self.offset_s - self.onset_s


def write_harbor(folder: Path, audios: int = 120, seed: int = 0) -> None:
    """Write WAV files of 10 s (32 kHz, 16 bit, mono) with their truth; the same seed gives the same files.

    `truth.csv`: filename, category: the class that sounds longest, or silence. `events.csv`: filename,
    category, onset_s, offset_s: each sound. A folder that is already written is kept as it is.
    Raises Misconfigured if there is something else in the folder.
    """
    if (folder / "truth.csv").exists():
        return
    if folder.exists() and any(folder.iterdir()):
        raise Misconfigured(f"{folder} holds other files: the harbor needs a folder of its own")
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    truth, events = [], []
    for number, category in enumerate(_categories(audios, seed)):
        name = f"harbor-{number:04d}.wav"
        waveform, heard = make_audio(category, np.random.default_rng([seed, number]))
        (aside / name).write_bytes(audio.write(waveform, RATE_HZ))
        truth.append((name, category))
        events += [(name, event.category, f"{event.onset_s:.2f}", f"{event.offset_s:.2f}") for event in heard]
    _write_csv(aside / "events.csv", ("filename", "category", "onset_s", "offset_s"), events)
    _write_csv(aside / "truth.csv", ("filename", "category"), truth)
    aside.rename(folder)


def make_audio(
    category: str, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], Sequence[SoundEvent]]:
    """10 s of harbor, float32 `[samples]`, in which `category` sounds longest; and what is heard when."""
    waveform = sounds.floor(rng, AUDIO_S) * _amplitude(rng.uniform(*FLOOR_DBFS))
    events: list[SoundEvent] = []
    if category != SILENCE:
        events = _several(category, rng)
        if rng.random() < OVERLAP_SHARE:
            events += _shorter(category, sum(event.duration_s for event in events), rng)
    for event in events:
        voice = VOICES[event.category]
        sound = voice.make(rng, event.duration_s) * _amplitude(rng.uniform(*voice.peak_dbfs))
        begin = round(event.onset_s * RATE_HZ)
        waveform[begin : begin + len(sound)] += sound
    # Several sounds may add up beyond full scale; then all of it is a little softer, as with a limiter.
    waveform *= min(1.0, 0.98 / float(np.abs(waveform).max()))
    return waveform.astype(np.float32), sorted(events, key=lambda event: event.onset_s)


def _several(category: str, rng: np.random.Generator) -> list[SoundEvent]:
    """The events of the class that an audio is about, one after the other, never on top of one another."""
    voice = VOICES[category]
    low, high = voice.events
    durations_s = [_on_grid(rng.uniform(*voice.duration_s)) for _ in range(rng.integers(low, high + 1))]
    while sum(durations_s) > AUDIO_S:
        durations_s.pop()
    pauses_s = rng.dirichlet(np.ones(len(durations_s) + 1)) * (AUDIO_S - sum(durations_s))
    events, time_s = [], 0.0
    for pause_s, duration_s in zip(pauses_s[:-1], durations_s, strict=True):
        onset_s = _on_grid(time_s + pause_s)
        events.append(SoundEvent(category, onset_s, _on_grid(onset_s + duration_s)))
        time_s = events[-1].offset_s
    return events


def _shorter(category: str, than_s: float, rng: np.random.Generator) -> list[SoundEvent]:
    """One event of another class, clearly shorter than the first class in all; none if none is that short."""
    choices = [
        name for name, voice in VOICES.items() if name != category and voice.duration_s[0] < 0.7 * than_s
    ]
    if not choices:
        return []
    other = choices[rng.integers(len(choices))]
    shortest_s, longest_s = VOICES[other].duration_s
    duration_s = _on_grid(rng.uniform(shortest_s, min(longest_s, 0.7 * than_s)))
    onset_s = _on_grid(rng.uniform(0, AUDIO_S - duration_s))
    return [SoundEvent(other, onset_s, _on_grid(onset_s + duration_s))]


def _categories(audios: int, seed: int) -> list[str]:
    """The class of each audio: all as often, in random order."""
    rng = np.random.default_rng([seed, audios, len(CLASSES)])
    return [CLASSES[index] for index in rng.permutation(np.arange(audios) % len(CLASSES))]


def _on_grid(time_s: float) -> float:
    return min(float(AUDIO_S), round(round(time_s / GRID_S) * GRID_S, 2))


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
