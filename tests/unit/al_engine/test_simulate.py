"""`escolta simulate`, from sound files to rows, table and plot; and what it says when it cannot."""

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from al_engine.campaigns import command as simulate
from al_engine.campaigns.campaign import Campaign, Point
from al_engine.campaigns.folder_embeddings import embed_folder
from al_engine.campaigns.results import Result
from al_engine.campaigns.sound_models import open_model
from al_engine.campaigns.truth import read_truth
from escolta import audio
from escolta.errors import Misconfigured, Rejected

RATE_HZ = 16_000
TONES_HZ = {"low": 200, "middle": 900, "high": 4000}
EACH = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a tone in noise, eight of each of three kinds, and their truth."""
    made = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    lines = ["filename,license,fold,category"]
    for name, hz in TONES_HZ.items():
        for number in range(EACH):
            sound = 0.3 * np.sin(2 * np.pi * hz * time_s) + 0.01 * rng.standard_normal(len(time_s))
            file = f"{name}-{number}.wav"
            (made / file).write_bytes(audio.write(sound.astype(np.float32), RATE_HZ))
            lines.append(f"{file},CC0,{number % 2 + 1},{name}")
    (made / "truth.csv").write_text("\n".join(lines))
    return made


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # its list of fonts takes seconds to make
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: object, code: int = 0) -> str:
    app = typer.Typer()
    app.command()(simulate.simulate)
    outcome = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])
    if outcome.exception and not isinstance(outcome.exception, SystemExit):
        raise outcome.exception
    assert outcome.exit_code == code, outcome.output
    return outcome.output


def test_a_folder_becomes_rows_a_table_and_a_plot(folder, tmp_path):
    found, plot = tmp_path / "rows.json", tmp_path / "curves.svg"
    output = run(
        *("--audio", folder, "--truth", folder / "truth.csv", "--model", "placeholder", "--imbalance"),
        *("--strategies", "random,mal-mf", "--seeds", 2, "--batch", 3, "--labels", 6),
        *("--json", found, "--plot", plot),
    )
    rows = json.loads(found.read_text())
    assert {(row["strategy"], row["seed"], row["fold"], row["labels"]) for row in rows} == {
        (strategy, seed, fold, labels)
        for strategy in ("random", "mal-mf")
        for seed in (0, 1)
        for fold in (1, 2)
        for labels in (3, 6)
    }
    for row in rows:
        assert row.keys() == {
            *("strategy", "seed", "fold", "imbalance", "labels", "macro_f1", "macro_f1_rare")
        }
        assert row["imbalance"] is True
        assert 0 <= row["macro_f1"] <= 1
    assert max(row["macro_f1"] for row in rows if row["strategy"] == "mal-mf") == 1
    assert "mal-mf" in output
    assert "mean of 2 seeds x 2 folds" in output
    assert "<svg" in plot.read_text()


def test_embeddings_serve_in_place_of_sound(tmp_path):
    truth, vectors = tmp_path / "truth.csv", tmp_path / "vectors.npy"
    names = [f"{number},{'ab'[number % 2]}" for number in range(24)]
    truth.write_text("\n".join(["filename,category", *names]))
    np.save(vectors, np.eye(2)[np.arange(24) % 2] + 0.01 * np.random.default_rng(0).random((24, 2)))
    chosen = ("--truth", truth, "--strategies", "typical", "--seeds", 1, "--batch", 2, "--labels", 4)
    output = run("--embeddings", vectors, *chosen)
    assert "1 seed x 1 fold" in output
    assert "1.000" in output


def test_what_is_done_is_reported_after_an_interruption(folder, tmp_path, monkeypatch):
    def interrupted(audios, campaigns):
        yield Result(campaigns[0], [Point(3, 0.5, None)])
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "run_all", interrupted)
    found = tmp_path / "rows.json"
    chosen = ("--audio", folder, "--truth", folder / "truth.csv", "--model", "placeholder", "--json", found)
    assert "1 of 60 campaigns are done" in run(*chosen, code=simulate.INTERRUPTED)
    assert [row["macro_f1"] for row in json.loads(found.read_text())] == [0.5]


def test_campaigns_that_nobody_waits_for_are_given_up(folder):
    known = read_truth(folder / "truth.csv")
    found = embed_folder(folder, known.names, open_model("placeholder", None), folder / "cache")
    audios = simulate.LabeledAudios(known, found)
    coming = simulate.run_all(audios, [Campaign("random", seed, 1, False, 2, 4) for seed in range(50)])
    assert next(coming).points[-1].labels == 4
    coming.close()


class Once:
    """A model that must not be asked again."""

    def __init__(self) -> None:
        self._model = open_model("placeholder", None)
        self.model_id, self.dim, self.rate_hz = self._model.model_id, self._model.dim, self._model.rate_hz
        self.class_names = self._model.class_names
        self.asked: list[int] = []

    def embed(self, waveforms):
        self.asked.append(len(waveforms))
        return self._model.embed(waveforms)


def test_a_file_is_embedded_once_as_long_as_its_bytes_stay(folder, tmp_path):
    names, model = read_truth(folder / "truth.csv").names, Once()
    first = embed_folder(folder, names, model, tmp_path)
    assert sum(model.asked) == len(names)
    again = embed_folder(folder, names[::-1], model, tmp_path)
    assert sum(model.asked) == len(names)
    assert (again.vectors == first.vectors[::-1]).all()
    assert (again.top_classes == first.top_classes[::-1]).all()


def test_what_was_embedded_before_an_interruption_is_kept(folder, tmp_path):
    names, model = read_truth(folder / "truth.csv").names, Once()

    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_folder(folder, names, model, tmp_path, stop)
    done = sum(model.asked)
    assert 0 < done < len(names)
    embed_folder(folder, names, model, tmp_path)
    assert sum(model.asked) == len(names)


def test_a_missing_and_a_broken_file_are_told(folder, tmp_path):
    model = open_model("placeholder", None)
    with pytest.raises(Misconfigured, match=r"no file gone\.wav, nor 1 others that the CSV names"):
        embed_folder(folder, ["low-0.wav", "gone.wav", "too.wav"], model, tmp_path)
    (tmp_path / "broken.wav").write_bytes(b"not sound")
    with pytest.raises(Rejected, match=r"broken\.wav is not a sound file"):
        embed_folder(tmp_path, ["broken.wav"], model, tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,category\na.wav,x", "has no column filename"),
        ("filename,category\na.wav,", "line 2: category is empty"),
        ("filename,category\na.wav,x\na.wav,y", "names a.wav twice"),
        ("filename,category\na.wav,x\nb.wav,x", "names 1 categories"),
        ("filename,category\na,x\nb,x\nc,y", "category 'y' has one audio"),
        ("filename,category,fold\na,x,1\nb,x,1\nc,y,1\nd,y,1", "has one fold"),
        ("filename,category,fold\na,x,1\nb,x,one\nc,y,1\nd,y,2", "every fold must be a whole number"),
        ("filename,category,fold\na,x,1\nb,x,2\nc,y,1\nd,y,1", "'y' is in fold 1 alone"),
        ("", "has no column category or filename"),
    ],
)
def test_a_truth_that_cannot_be_used_is_told(tmp_path, text, reason):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=reason):
        read_truth(path)


def test_choices_that_cannot_work_are_told_before_anything_is_computed(folder, tmp_path):
    truth = ("--truth", folder / "truth.csv")
    audios = ("--audio", folder)
    np.save(tmp_path / "short.npy", np.eye(3))
    for arguments, reason in [
        ((*truth, *audios, "--strategies", "best"), "no strategy 'best'"),
        (truth, "give either --audio"),
        ((*truth, *audios, "--embeddings", "x.npy"), "give either --audio"),
        ((*truth, "--audio", folder / "none"), "is not a folder"),
        ((*truth, "--embeddings", tmp_path / "none.npy"), "is no .npy file"),
        ((*truth, "--embeddings", tmp_path / "short.npy"), "has 3 rows, and the CSV 24 lines"),
        ((*truth, *audios, "--plot", "curves.gif"), "must end in .png"),
        ((*truth, *audios, "--model", "none"), "no model 'none'"),
        (("--truth", folder / "none.csv", *audios), "is not a file"),
    ]:
        with pytest.raises(Misconfigured, match=reason):
            run(*arguments)
