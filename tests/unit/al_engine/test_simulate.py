"""`escolta simulate`, from sound files to rows, table and plot; and what it says when it cannot."""

import json
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from al_engine.campaigns import command as simulate
from al_engine.campaigns.campaign import Campaign, Point
from al_engine.campaigns.embedding_cache import EmbeddingCache
from al_engine.campaigns.folder_embeddings import embed_files
from al_engine.campaigns.results import Result
from al_engine.campaigns.sound_models import open_model
from escolta import audio
from escolta.errors import Misconfigured
from escolta.truth import files_in, read_truth

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
            *("strategy", "seed", "fold", "imbalance", "labels", "macro_f1", "classes", "macro_f1_rare")
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


def test_people_who_err_are_counted_in_rows_and_in_a_table_of_their_own(folder, tmp_path):
    found = tmp_path / "rows.json"
    output = run(
        *("--audio", folder, "--truth", folder / "truth.csv", "--model", "placeholder"),
        *("--strategies", "random", "--seeds", 1, "--batch", 3, "--labels", 6, "--json", found),
        *("--people", "3,2", "--errors", ".2", "--doubt", ".1", "--shared-errors", ".5", "--policy", "group"),
    )
    rows = json.loads(found.read_text())
    told = {"people": "3,2", "errors": 0.2, "doubt": 0.1, "shared_errors": 0.5, "policy": "group"}
    assert all(row.items() >= told.items() for row in rows)
    assert [row["listens"] for row in rows] == [8, 15, 8, 15]  # three and two take turns, on two folds
    medoids = sum(row["medoids"] for row in rows if row["labels"] == 6)
    wrong = sum(row["wrong_medoids"] for row in rows if row["labels"] == 6)
    assert "Person-listens under the policy group" in output
    assert f"{wrong} of {medoids} (" in output


def test_what_is_done_is_reported_after_an_interruption(folder, tmp_path, monkeypatch):
    def interrupted(audios, campaigns):
        yield Result(campaigns[0], [Point(3, 0.5, None, 2)])
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "run_all", interrupted)
    found = tmp_path / "rows.json"
    chosen = ("--audio", folder, "--truth", folder / "truth.csv", "--model", "placeholder", "--json", found)
    assert "1 of 70 campaigns are done" in run(*chosen, code=simulate.INTERRUPTED)
    assert [row["macro_f1"] for row in json.loads(found.read_text())] == [0.5]


def test_campaigns_that_nobody_waits_for_are_given_up(folder, tmp_path):
    known = read_truth(folder / "truth.csv", with_folds=True)
    found, _ = embed(folder, known.categories, open_model("placeholder", None), tmp_path)
    audios = simulate.LabeledAudios(known, found)
    coming = simulate.run_all(audios, [Campaign("random", seed, 1, False, 2, 4) for seed in range(50)])
    assert next(coming).points[-1].labels == 4
    coming.close()


def embed(folder: Path, names, model, cache: Path, progress=lambda _: None):
    paths = files_in(folder)
    of_names = {name: paths[name] for name in names}
    return embed_files(of_names, model, EmbeddingCache(cache, folder, model.model_id), progress)


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
    names, model = list(read_truth(folder / "truth.csv").categories), Once()
    first, _ = embed(folder, names, model, tmp_path)
    assert sum(model.asked) == len(names)
    again, _ = embed(folder, names[::-1], model, tmp_path)
    assert sum(model.asked) == len(names)
    assert (again.vectors == first.vectors[::-1]).all()
    assert (again.top_classes == first.top_classes[::-1]).all()


def test_what_was_embedded_before_an_interruption_is_kept(folder, tmp_path):
    names, model = list(read_truth(folder / "truth.csv").categories), Once()

    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(folder, names, model, tmp_path, stop)
    done = sum(model.asked)
    assert 0 < done < len(names)
    embed(folder, names, model, tmp_path)
    assert sum(model.asked) == len(names)


def copy(folder: Path, to: Path) -> Path:
    """The same recordings and truth in a folder of its own, to be damaged there."""
    return shutil.copytree(folder, to / "recordings")


CHOSEN = ("--model", "placeholder", "--strategies", "random", "--seeds", 1, "--batch", 4, "--labels", 8)


def test_a_bad_recording_is_left_out_and_told_and_the_others_go_on(folder, tmp_path):
    damaged = copy(folder, tmp_path)
    (damaged / "low-0.wav").write_bytes((damaged / "low-0.wav").read_bytes()[:3000])
    (damaged / "mid.wav").write_bytes(b"not sound")
    (damaged / "low-1.wav").unlink()
    (damaged / "low-2.wav").unlink()
    (damaged / "low-2.wav").symlink_to("/proc/self/mem")  # whose first byte cannot be read: a real EIO
    with (damaged / "truth.csv").open("a") as file:
        file.write("\nmid.wav,CC0,1,middle\n")
    output = run("--audio", damaged, "--truth", damaged / "truth.csv", *CHOSEN)
    assert "low-0.wav is left out: " in output
    assert "is truncated" in output
    assert "mid.wav is left out: " in output
    assert "is not a sound file" in output
    assert "low-2.wav is left out: it cannot be read: Input/output error" in output
    assert "24 of 25 names are those of files; no file is called low-1.wav" in output
    assert "random" in output


def test_a_class_that_a_bad_recording_leaves_alone_is_left_out_and_told(folder, tmp_path):
    damaged = copy(folder, tmp_path)
    table = damaged / "truth.csv"
    table.write_text(table.read_text() + "\nbad.wav,CC0,1,rare\nlow-0.wav,CC0,1,low")
    (damaged / "bad.wav").write_bytes(b"RIFF")
    shutil.copy(damaged / "low-0.wav", damaged / "good.wav")
    table.write_text(table.read_text() + "\ngood.wav,CC0,2,rare")
    output = run("--audio", damaged, "--truth", table, *CHOSEN)
    assert "bad.wav is left out" in output
    assert "class rare is left out: it has one audio" in output
    assert "rows that say again what another one does: 1" in output


def test_where_no_recording_can_be_embedded_the_first_reason_is_told(folder, tmp_path):
    damaged = copy(folder, tmp_path)
    for path in damaged.glob("*.wav"):
        path.write_bytes(b"not sound")
    with pytest.raises(
        Misconfigured, match=r"none of the 24 recordings can be embedded; high-0\.wav: .* is not"
    ):
        run("--audio", damaged, "--truth", damaged / "truth.csv", *CHOSEN)


class Fails(Once):
    """A model that fails on whatever is given with silence, and gives no numbers for a loud sound."""

    def embed(self, waveforms):
        if any(not waveform.any() for waveform in waveforms):
            raise RuntimeError("a division by zero")
        heard = super().embed(waveforms)
        for row, waveform in enumerate(waveforms):
            if np.abs(waveform).max() > 0.9:
                heard.vectors[row] = np.nan
        return heard


def test_an_audio_on_which_the_model_fails_fails_no_other(folder, tmp_path):
    odd = copy(folder, tmp_path)
    (odd / "silent.wav").write_bytes(audio.write(np.zeros(RATE_HZ, np.float32), RATE_HZ))
    (odd / "loud.wav").write_bytes(audio.write(np.ones(RATE_HZ, np.float32), RATE_HZ))
    found, left_out = embed(odd, [name for name in files_in(odd) if name.endswith("wav")], Fails(), tmp_path)
    assert left_out == {
        "silent.wav": "the model fails on it: RuntimeError: a division by zero",
        "loud.wav": "the model gives numbers for it that are not finite",
    }
    assert len(found.names) == len(TONES_HZ) * EACH


def test_a_truth_that_cannot_be_used_is_told_before_anything_is_embedded(folder, tmp_path):
    for text, reason in [
        (
            "filename,category\nlow-0.wav,low\nlow-1.wav,\nlow-0.wav,mid",
            "row 3, low-1.wav, category: it is empty",
        ),
        ("filename,category\nx.wav,low\ny.wav,mid", "no file has any of these names: x.wav, y.wav"),
        ("filename,category\nlow-0.wav,low\nlow-1.wav,low", "two classes or more"),
        ("filename,category,fold\nlow-0.wav,low,1\nlow-1.wav,low,one", "'one' is no whole number"),
    ]:
        (tmp_path / "truth.csv").write_text(text)
        with pytest.raises(Misconfigured) as refused:
            run("--audio", folder, "--truth", tmp_path / "truth.csv", "--model", "no such model")
        assert reason in str(refused.value)


def test_choices_that_cannot_work_are_told_before_anything_is_computed(folder, tmp_path):
    truth = ("--truth", folder / "truth.csv")
    audios = ("--audio", folder)
    np.save(tmp_path / "short.npy", np.eye(3))
    for arguments, reason in [
        ((*truth, *audios, "--strategies", "best"), "no strategy 'best'"),
        ((*truth, *audios, "--policy", "two"), "no listening policy 'two'"),
        ((*truth, *audios, "--people", "3,"), "--people 3,: give how many"),
        ((*truth, *audios, "--errors", ".9", "--doubt", ".2"), "together more than all answers"),
        (truth, "give either --audio"),
        ((*truth, *audios, "--embeddings", "x.npy"), "give either --audio"),
        ((*truth, "--audio", folder / "none"), "is not a folder"),
        ((*truth, "--embeddings", tmp_path / "none.npy"), "is no .npy file"),
        ((*truth, "--embeddings", tmp_path / "short.npy"), "has 3 rows, and the CSV names 24 files"),
        ((*truth, *audios, "--plot", "curves.gif"), "must end in .png"),
        ((*truth, *audios, "--plot", tmp_path / "none/curves.svg"), "in a folder that is there"),
        ((*truth, *audios, "--json", tmp_path / "none/rows.json"), "in a folder that is there"),
        ((*truth, *audios, "--json", tmp_path), "give a file"),
        ((*truth, *audios, "--model", "none"), "no model 'none'"),
        (("--truth", folder / "none.csv", *audios), "cannot be read: No such file"),
    ]:
        with pytest.raises(Misconfigured, match=reason):
            run(*arguments)
