"""`escolta simulate --events`: audios that hold several classes, from sound files to rows and tables."""

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import typer
from mixtures import RATE_HZ, write_mixtures
from typer.testing import CliRunner

from al_engine.campaigns.command import simulate
from al_engine.campaigns.inputs import given
from escolta import audio
from escolta.errors import Misconfigured

TONES_HZ = {"low": 200, "mid": 900, "high": 4000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mixtures of three tones, thirty in each of two folds, and their truth."""
    tones = tmp_path_factory.mktemp("tones")
    time_s = np.arange(RATE_HZ) / RATE_HZ
    lines = ["filename,fold,category"]
    for name, hz in TONES_HZ.items():
        for fold in (1, 2):
            sound = 0.3 * np.cos(2 * np.pi * hz * time_s)
            (tones / f"{name}-{fold}.wav").write_bytes(audio.write(sound.astype(np.float32), RATE_HZ))
            lines.append(f"{name}-{fold}.wav,{fold},{name}")
    (tones / "truth.csv").write_text("\n".join(lines))
    write_mixtures(tones, tones / "truth.csv", tones / "mixtures", of_each_fold=30, seed=1)
    return tones / "mixtures"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # its list of fonts takes seconds to make
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(simulate)
    chosen = ("--model", "placeholder", "--strategies", "mal-mf", "--seeds", 1, "--batch", 5, "--labels", 20)
    outcome = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(it) for it in (*arguments, *chosen)])
    if outcome.exception and not isinstance(outcome.exception, SystemExit):
        raise outcome.exception
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_mixtures_are_judged_by_every_class_that_sounds_in_them(folder, tmp_path):
    found, plot = tmp_path / "rows.json", tmp_path / "curves.svg"
    tables = ("--truth", folder / "truth.csv", "--events", folder / "events.csv")
    output = run("--audio", folder, *tables, "--json", found, "--plot", plot)
    rows = json.loads(found.read_text())
    assert len(rows) == 2 * 4
    for row in rows:
        assert row["recall"].keys() == TONES_HZ.keys()
        assert row["mean_recall"] == pytest.approx(np.mean(list(row["recall"].values())), abs=1e-4)
    last = [row["mean_average_precision"] for row in rows if row["labels"] == 20]
    assert min(last) > 0.8  # two of three sound on average: by chance .67
    for heading in ("Macro-F1 against", "Mean average precision against", "Mean recall against"):
        assert heading in output
    assert "<svg" in plot.read_text()


def test_without_events_nothing_is_said_of_several_classes(folder, tmp_path):
    output = run("--audio", folder, "--truth", folder / "truth.csv", "--json", tmp_path / "rows.json")
    assert "Mean" not in output
    assert all("recall" not in row for row in json.loads((tmp_path / "rows.json").read_text()))


def test_classes_that_are_made_rare_and_events_exclude_each_other(folder):
    tables = ("--truth", folder / "truth.csv", "--events", folder / "events.csv")
    with pytest.raises(Misconfigured, match="leave it out, or --events"):
        run("--audio", folder, *tables, "--imbalance")


def test_a_label_says_what_sounds_longest_also_where_the_truth_has_another_category(tmp_path):
    truth, events, vectors = tmp_path / "truth.csv", tmp_path / "events.csv", tmp_path / "vectors.npy"
    truth.write_text("filename,category\na.wav,gull\nb.wav,horn\nc.wav,gull\nd.wav,gull\n")
    events.write_text("filename,category,onset_s,offset_s\na.wav,gull,0,1\na.wav,horn,0,2\ne.wav,horn,0,1\n")
    np.save(vectors, np.eye(4))
    told: list[str] = []
    audios = given(truth, vectors, told.append, events)
    assert sorted(audios.classes) == ["gull", "gull", "horn", "horn"]
    assert [sentence.partition(":")[0] for sentence in told] == [
        "files whose category is not what sounds longest in them",
        "files that --events alone names",
    ]
    assert audios.presence
    assert audios.presence.classes.tolist() == ["gull", "horn"]
    assert sorted(audios.presence.there.tolist()) == [
        [False, True],
        [True, False],
        [True, False],
        [True, True],
    ]
