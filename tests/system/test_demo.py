"""`escolta demo`: as a command with its last line and exit status, and what it makes of its choices."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from pydantic import SecretStr

from escolta import audio
from escolta.errors import Misconfigured, Rejected
from escolta.settings import Settings
from escolta_demo.play import Demo, play
from system.deployments import SECRET

PATIENCE_S = 600
RATE_HZ = 16_000
KINDS = {"low": 200.0, "middle": 900.0, "high": 3500.0}

SPOIL_EMBEDDINGS = """
    CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.vector = 'damaged'; RETURN NEW; END $$;
    CREATE TRIGGER spoil BEFORE INSERT ON audio.embeddings FOR EACH ROW EXECUTE FUNCTION public.spoil()
"""
CLOSE_LATE = """
    CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE UPDATE ON al.al_preprocessing FOR EACH ROW WHEN (NEW.status = 'closed')
        EXECUTE FUNCTION public.wait()
"""


def record(folder: Path, name: str, kind: str, seconds: float = 1.0) -> None:
    """Add a tone to `folder`/recordings, and what it is to `folder`/truth.csv."""
    rng = np.random.default_rng(list(name.encode()))
    times_s = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    waveform = 0.3 * np.sin(2 * np.pi * KINDS[kind] * times_s) + 0.01 * rng.normal(size=len(times_s))
    (recordings := folder / "recordings").mkdir(exist_ok=True)
    (recordings / name).write_bytes(audio.write(waveform.astype(np.float32), RATE_HZ))
    truth = folder / "truth.csv"
    header = "" if truth.exists() else "filename,category\n"
    with truth.open("a") as file:
        file.write(f"{header}{name},{kind}\n")


def record_each_kind(folder: Path, of_each: int) -> None:
    for kind in KINDS:
        for number in range(of_each):
            record(folder, f"{kind}-{number}.wav", kind)


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end, with all its data under `folder`."""
    environment = os.environ | {"ESCOLTA_STATE_DIR": str(folder / "var"), "ESCOLTA_MODEL": "placeholder"}
    command = [str(Path(sys.executable).with_name("escolta")), "demo", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def result_of(done: subprocess.CompletedProcess[str]) -> dict:
    """The last line of a demo that came to a good end."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


async def play_here(chosen: Demo, folder: Path, catalog_url: str) -> None:
    """The same in this process, over a catalog that the test can look into."""
    settings = Settings(
        catalog_url=catalog_url,
        objects_url=f"file://{folder}/objects",
        state_dir=folder / "state",
        secret=SecretStr(SECRET),
        node_name="demo",
        model="placeholder",
    )
    async with asyncio.timeout(PATIENCE_S):
        await play(chosen, settings, asyncio.Event())


def headless(folder: Path, iterations: int | None) -> Demo:
    return Demo(folder / "recordings", folder / "truth.csv", iterations, batch=4, headless=True)


def test_a_headless_demo_ends_with_its_result_and_a_later_start_goes_on(tmp_path):
    record_each_kind(tmp_path, 4)
    record(tmp_path, "long.wav", "middle", seconds=25.0)  # makes three audios
    chosen = ["--audio", "recordings", "--truth", "truth.csv", "--batch", "4", "--headless"]
    first = result_of(demo(tmp_path, *chosen, "--iterations", "2"))
    assert first.pop("seconds") > 0
    assert 0.0 <= first.pop("macro_f1") <= 1.0
    assert 1 <= first.pop("medoids") <= 8  # the simulated labelers may err on some
    assert first == {"audios": 15, "embedded": 15, "iterations": 2, "proposed": 8, "labeled": 8}
    record(tmp_path, "another.wav", "high")
    then = result_of(demo(tmp_path, *chosen))
    assert (then["audios"], then["proposed"], then["labeled"]) == (16, 16, 16)
    assert (then["iterations"], then["macro_f1"]) == (4, None)


def test_a_folder_without_recordings_is_refused_by_name(tmp_path):
    (recordings := tmp_path / "recordings").mkdir()
    (recordings / "gulls.mp3").write_bytes(b"RIFF, but no sound")
    (recordings / "notes.txt").write_text("gulls all night")
    done = demo(tmp_path, "--audio", str(recordings))
    assert done.returncode == 2
    assert done.stderr.startswith(f"escolta: AUDIO={recordings} holds no recording that can be read (1 other")
    assert "gulls.mp3 is named like a sound" in done.stderr


@pytest.mark.parametrize("mode", [("--headless",), ()])
def test_a_truth_that_cannot_be_used_is_told_before_anything_is_started(tmp_path, mode):
    record_each_kind(tmp_path, 1)
    with (tmp_path / "truth.csv").open("a") as file:
        file.write("low-1.wav,\nmiddle-0.wav,low\n")
    done = demo(tmp_path, "--audio", "recordings", "--truth", "truth.csv", *mode)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "escolta: mend truth.csv first:",
        "  truth.csv, row 5, low-1.wav, category: it is empty: a name has one character at least",
        "  truth.csv, row 6, middle-0.wav: it says low, and truth.csv, row 3, middle-0.wav says middle of the"
        " same file",
    ]
    assert not list(tmp_path.rglob("catalog"))


def test_a_truth_that_fits_in_part_says_what_fits(tmp_path):
    record_each_kind(tmp_path, 4)
    record(tmp_path, "odd.wav", "low")
    (tmp_path / "recordings/odd.wav").rename(tmp_path / "recordings/even.wav")
    (tmp_path / "truth.csv").write_text(
        (tmp_path / "truth.csv").read_text().replace("low-1", "C:\\rec\\LOW-1")
    )
    chosen = ["--audio", "recordings", "--truth", "truth.csv", "--batch", "4", "--headless"]
    done = demo(tmp_path, *chosen, "--iterations", "2")
    assert result_of(done)["macro_f1"] is not None
    assert "12 of 13 names are those of files; no file is called odd.wav" in done.stderr
    assert "recordings of which nothing is said: 1: even.wav" in done.stderr


def test_what_is_left_out_stands_on_the_screen_with_its_reason(tmp_path):
    record_each_kind(tmp_path, 2)
    recordings = tmp_path / "recordings"
    (recordings / "zero.wav").touch()
    (recordings / "no\nsound\x1b[31m.wav").write_text("a list")
    chosen = ["--audio", "recordings", "--truth", "truth.csv", "--batch", "4", "--headless"]
    done = demo(tmp_path, *chosen, "--iterations", "1")
    assert result_of(done)["audios"] == 6
    _, _, said = done.stderr.partition("Left out, refused or doubtful:\n")
    assert "  zero.wav is empty: nothing was ever written to it" in said
    assert "  no\ufffdsound\ufffd[31m.wav is named like a sound" in said


async def test_a_folder_of_broken_recordings_is_refused_by_name_and_reason(tmp_path, catalog_url):
    (recordings := tmp_path / "recordings").mkdir()
    (recordings / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVE, but no sound")
    chosen = Demo(recordings, truth=None, iterations=None, batch=4, headless=False)
    with pytest.raises(Misconfigured, match=r"recording that can be used:\n  broken\.wav is "):
        await play_here(chosen, tmp_path, catalog_url)


def test_the_line_counts_what_is_left_out_and_says_where_the_times_are_from(tmp_path):
    record_each_kind(tmp_path, 2)
    shutil.copy(tmp_path / "recordings" / "low-0.wav", tmp_path / "recordings" / "low-0 copy.wav")
    record(tmp_path, "20240601_060000.wav", "middle")
    (tmp_path / "recordings" / "lost.wav").write_bytes(b"")
    (tmp_path / "recordings" / "notes.txt").write_text("gulls all night")
    chosen = ["--audio", "recordings", "--truth", "truth.csv", "--batch", "4", "--headless"]
    done = demo(tmp_path, *chosen, "--iterations", "1")
    assert result_of(done)["audios"] == 7
    assert "recorded 7 · cataloged 7 · embedded 7 · left out 2 (page /quarantine says why)" in done.stderr
    assert (
        "7 sounds in 7 audios. Times from file names (no offset is said: taken as UTC): 1, from the replay"
        " (nothing says when): 6. No sounds: 1 other file."
    ) in done.stderr


async def test_an_iteration_that_is_given_up_ends_the_demo_and_a_later_start_asks_anew(
    tmp_path, catalog_url, capsys
):
    record_each_kind(tmp_path, 2)
    catalog = await asyncpg.connect(catalog_url)
    await catalog.execute(SPOIL_EMBEDDINGS)
    with pytest.raises(Rejected, match=r"the last iteration was given up: the embedding of .* has 7 bytes"):
        await play_here(headless(tmp_path, 1), tmp_path, catalog_url)
    await catalog.execute("DROP TRIGGER spoil ON audio.embeddings; DELETE FROM audio.embeddings")
    await play_here(headless(tmp_path, 1), tmp_path, catalog_url)
    statuses = await catalog.fetch("SELECT status FROM al.al_preprocessing ORDER BY requested_at")
    assert [row["status"] for row in statuses] == ["failed", "closed"]
    assert json.loads(capsys.readouterr().out)["iterations"] == 1
    await catalog.close()


def test_a_result_without_a_score_says_why(tmp_path):
    for number in range(3):
        record(tmp_path, f"low-{number}.wav", "low")
    chosen = ["--audio", "recordings", "--truth", "truth.csv", "--batch", "2", "--headless"]
    done = demo(tmp_path, *chosen, "--iterations", "1")
    assert result_of(done)["macro_f1"] is None
    assert (
        "There is no macro-F1: all audios are labeled, or what is agreed on is all of one class."
        in done.stderr
    )


async def test_the_result_waits_until_the_last_iteration_is_closed(tmp_path, catalog_url, capsys):
    record_each_kind(tmp_path, 2)
    catalog = await asyncpg.connect(catalog_url)
    await catalog.execute(CLOSE_LATE)
    await catalog.close()
    await play_here(headless(tmp_path, 1), tmp_path, catalog_url)
    assert json.loads(capsys.readouterr().out)["iterations"] == 1
