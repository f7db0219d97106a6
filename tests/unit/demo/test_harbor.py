"""The harbor is the same for the same seed, and its truth is what can be heard."""

import csv
from pathlib import Path

import numpy as np
import pytest

from escolta import audio
from escolta.errors import Misconfigured
from escolta_demo.harbor import CLASSES, SILENCE, SoundEvent, make_audio, write_harbor
from escolta_demo.harbor_sounds import RATE_HZ

AUDIOS = 14


@pytest.fixture(scope="module")
def harbor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds") / "harbor"
    write_harbor(folder, audios=AUDIOS, seed=3)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rms(waveform: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(waveform))))


def test_every_audio_is_ten_seconds_at_32_khz(harbor: Path) -> None:
    files = sorted(harbor.glob("*.wav"))
    assert len(files) == AUDIOS
    for path in files:
        found = audio.probe(path)
        assert (found.samples, found.rate_hz, found.channels, found.bits) == (320_000, 32_000, 1, 16)


def test_every_class_is_there_as_often_as_the_others(harbor: Path) -> None:
    categories = [row["category"] for row in rows(harbor / "truth.csv")]
    assert sorted(categories) == sorted(2 * CLASSES)


def test_the_same_seed_gives_the_same_harbor_and_another_seed_another(harbor: Path, tmp_path: Path) -> None:
    write_harbor(tmp_path / "same", audios=AUDIOS, seed=3)
    write_harbor(tmp_path / "other", audios=1, seed=4)
    assert contents(tmp_path / "same") == contents(harbor)
    first = "harbor-0000.wav"
    assert (tmp_path / "other" / first).read_bytes() != (harbor / first).read_bytes()


def test_no_two_audios_are_alike(harbor: Path) -> None:
    assert len(set(path.read_bytes() for path in harbor.glob("*.wav"))) == AUDIOS


def test_the_truth_names_the_class_that_sounds_longest(harbor: Path) -> None:
    for row in rows(harbor / "truth.csv"):
        total_s = dict.fromkeys(CLASSES, 0.0)
        for event in rows(harbor / "events.csv"):
            if event["filename"] == row["filename"]:
                total_s[event["category"]] += float(event["offset_s"]) - float(event["onset_s"])
        longest = max(total_s, key=lambda category: total_s[category])
        assert row["category"] == (longest if total_s[longest] else SILENCE)


@pytest.mark.parametrize("category", [name for name in CLASSES if name != SILENCE])
def test_each_event_is_louder_than_what_lies_around_it(category: str) -> None:
    for seed in range(4):
        waveform, events = make_audio(category, np.random.default_rng(seed))
        quiet = np.ones(len(waveform), bool)
        for event in events:
            quiet[samples(event)] = False
        background = rms(waveform[quiet]) if quiet.sum() > RATE_HZ // 10 else 10 ** (-52 / 20)
        for event in events:
            assert 0 <= event.onset_s < event.offset_s <= 10
            assert rms(waveform[samples(event)]) > 2 * background, (seed, event)


def test_onsets_and_offsets_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the background there is sound from the onset to the offset, and none elsewhere."""
    monkeypatch.setattr("escolta_demo.harbor.FLOOR_DBFS", (-300.0, -300.0))
    for seed, category in enumerate(2 * [name for name in CLASSES if name != SILENCE]):
        waveform, events = make_audio(category, np.random.default_rng(seed))
        outside = np.ones(len(waveform), bool)
        for event in events:
            outside[samples(event)] = False
            begin, end = samples(event).start, samples(event).stop
            edge = RATE_HZ // 20
            assert np.abs(waveform[begin : begin + edge]).max() > 1e-5, (category, event)
            assert np.abs(waveform[end - edge : end]).max() > 1e-7, (category, event)
        assert np.abs(waveform[outside]).max(initial=0) < 1e-12


def test_silence_has_nothing_but_the_background() -> None:
    waveform, events = make_audio(SILENCE, np.random.default_rng(1))
    assert list(events) == []
    assert -66 < audio.level_dbfs(waveform) < -50


def test_a_harbor_that_is_written_is_kept(harbor: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in harbor.iterdir()}
    write_harbor(harbor, audios=AUDIOS, seed=3)
    assert {path: path.stat().st_mtime_ns for path in harbor.iterdir()} == before


def test_a_harbor_that_was_broken_off_is_written_anew(tmp_path: Path) -> None:
    half = tmp_path / ".harbor.part"
    half.mkdir()
    (half / "harbor-0000.wav").write_bytes(b"half")
    write_harbor(tmp_path / "harbor", audios=1)
    assert not half.exists()
    assert audio.probe(tmp_path / "harbor" / "harbor-0000.wav").samples == 320_000


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_bytes(b"mine")
    with pytest.raises(Misconfigured, match="a folder of its own"):
        write_harbor(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.wav"]


def samples(event: SoundEvent) -> slice:
    return slice(round(event.onset_s * RATE_HZ), round(event.offset_s * RATE_HZ))
