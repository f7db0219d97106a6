"""Mixtures of recordings: each event is where the truth says, to the sample, and as loud."""

import csv
from pathlib import Path

import numpy as np
import pytest
from mixtures import EVENT_DBFS, FLOOR_DBFS, MOST_CLASSES, RATE_HZ, SAMPLES, Recording, mix, write_mixtures

from escolta import audio
from escolta.truth import read_truth

TONES_HZ = {"low": 200, "mid": 900, "high": 4000}


def tone(hz: float, begin_s: float = 0.0, end_s: float = 5.0) -> np.ndarray:
    """Five seconds, in which a tone sounds from begin to end; not even its first sample is 0."""
    time_s = (np.arange(5 * RATE_HZ) + 0.5) / RATE_HZ
    return np.where((time_s >= begin_s) & (time_s < end_s), 0.3 * np.cos(2 * np.pi * hz * time_s), 0)


def recordings() -> dict[str, list[Recording]]:
    return {
        name: [Recording(name, tone(hz)), Recording(name, tone(hz, 1.0, 2.5))]
        for name, hz in TONES_HZ.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of each tone in each of two folds, and their truth."""
    made = tmp_path_factory.mktemp("tones")
    lines = ["filename,fold,category"]
    for name, hz in TONES_HZ.items():
        for number in range(4):
            sound = tone(hz * (1 + 0.01 * number)).astype(np.float32)
            (made / f"{name}-{number}.wav").write_bytes(audio.write(sound, RATE_HZ))
            lines.append(f"{name}-{number}.wav,{number % 2 + 1},{name}")
    (made / "truth.csv").write_text("\n".join(lines))
    return made


def sample(time_s: float) -> float:
    """Which sample a time names; between two of them where it names none."""
    return round(time_s * RATE_HZ, 6)


def written(folder: Path, into: Path, seed: int = 3) -> Path:
    write_mixtures(folder, folder / "truth.csv", into, of_each_fold=6, seed=seed)
    return into


def test_an_event_is_heard_from_its_onset_to_its_offset_to_the_sample():
    for seed in range(30):
        mixture = mix(recordings(), np.random.default_rng(seed))
        touched = np.zeros(SAMPLES, bool)
        for event in mixture.events:
            assert 0 <= event.onset < event.offset <= SAMPLES
            touched[event.onset : event.offset] = True
        changed = mixture.waveform() != mixture.floor
        assert not changed[~touched].any()
        for event in mixture.events:
            assert changed[event.onset]
            assert changed[event.offset - 1]


def test_a_mixture_is_its_events_and_noise_at_the_levels_that_are_said():
    for seed in range(30):
        mixture = mix(recordings(), np.random.default_rng(seed))
        rest = mixture.waveform() - mixture.floor
        for event in mixture.events:
            assert EVENT_DBFS[0] - 0.1 <= event.level_dbfs <= EVENT_DBFS[1] + 0.1
            rest[event.onset : event.offset] -= event.sound
        assert np.abs(rest).max() < 1e-9
        assert audio.level_dbfs(mixture.floor.astype(np.float32)) == pytest.approx(FLOOR_DBFS, abs=0.1)


def test_silence_in_a_recording_is_no_part_of_an_event():
    quiet = {"low": [Recording("low", tone(200, 1.0, 2.5))]}
    for seed in range(30):
        [event] = mix(quiet, np.random.default_rng(seed)).events
        assert 0.5 * RATE_HZ <= len(event.sound) <= 1.5 * RATE_HZ


def test_what_would_clip_is_softer_as_a_whole():
    clicks = np.zeros(RATE_HZ)
    clicks[:: RATE_HZ // 4] = 1.0
    for seed in range(10):
        mixture = mix({"click": [Recording("click", clicks)]}, np.random.default_rng(seed))
        assert np.abs(mixture.waveform()).max() <= 0.98 + 1e-9
        assert audio.level_dbfs(mixture.floor.astype(np.float32)) < FLOOR_DBFS - 1


def test_some_mixtures_hold_one_class_and_some_several():
    held = [mix(recordings(), np.random.default_rng(seed)).events for seed in range(60)]
    assert {len(events) for events in held} == set(range(1, MOST_CLASSES + 1))
    for events in held:
        assert len({event.category for event in events}) == len(events)


def test_the_truth_that_is_written_names_the_exact_samples(folder, tmp_path):
    made = written(folder, tmp_path / "mixtures")
    truth = read_truth(made / "truth.csv", made / "events.csv", made, with_folds=True)
    assert len(truth.sounds) == 12
    assert set(truth.silent) == {"truth.csv", "events.csv"}
    for name, sounds in truth.sounds.items():
        _, fold, number = name.removesuffix(".wav").split("-")
        assert truth.folds[name] == int(fold)
        known = {  # as the maker reads them: 16 bits, this fold alone
            category: [
                Recording(category, audio.read(folder / f"{category}-{place}.wav")[0].astype(np.float64))
                for place in range(4)
                if place % 2 + 1 == int(fold)
            ]
            for category in TONES_HZ
        }
        mixture = mix(known, np.random.default_rng([3, int(fold), int(number)]))
        assert [(sound.category, sample(sound.onset_s), sample(sound.offset_s)) for sound in sounds] == [
            (event.category, event.onset, event.offset) for event in mixture.events
        ]
        longest = max(sounds, key=lambda sound: sound.offset_s - sound.onset_s)
        assert truth.categories[name] == longest.category
        read, rate_hz = audio.read(made / name)
        assert rate_hz == RATE_HZ
        assert np.abs(read - mixture.waveform()).max() <= 2**-15


def test_the_level_of_each_event_stands_beside_its_times(folder, tmp_path):
    made = written(folder, tmp_path / "mixtures")
    with (made / "events.csv").open(newline="") as file:
        levels = [float(row["level_dbfs"]) for row in csv.DictReader(file)]
    assert min(levels) >= EVENT_DBFS[0] - 0.1
    assert max(levels) <= EVENT_DBFS[1] + 0.1


def test_the_same_seed_gives_the_same_mixtures_and_another_seed_others(folder, tmp_path):
    once, again, other = (
        {path.name: path.read_bytes() for path in written(folder, tmp_path / name, seed).iterdir()}
        for name, seed in (("once", 3), ("again", 3), ("other", 4))
    )
    assert once == again
    assert once.keys() == other.keys()
    assert not any(once[name] == other[name] for name in once)


def test_the_mixtures_of_another_folder_are_not_written_over(folder, tmp_path):
    with pytest.raises(FileExistsError):
        written(folder, tmp_path)
