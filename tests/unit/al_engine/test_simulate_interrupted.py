"""Ctrl-C at a terminal reaches `escolta simulate` and all its processes: they end, and say what is done."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from unit.al_engine.vectors import clustered

AUDIOS = 600
PATIENCE_S = 300


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def server_starts(pid: int) -> bool:
    return len(children(pid)) > 1  # the first one tracks resources


def workers_start(pid: int) -> bool:
    return any(children(child) for child in children(pid))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that is started inside hears SIGINT, which a shell's background jobs have it ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(("moment", "later_s"), [(server_starts, 0), (workers_start, 0), (workers_start, 1)])
def test_an_interruption_ends_it_without_a_traceback(moment, later_s, tmp_path):
    rows, cluster = clustered(AUDIOS, 256, 8, seed=0)
    np.save(tmp_path / "vectors.npy", rows)
    lines = [f"{number}.wav,kind {kind},{number % 5}" for number, kind in enumerate(cluster)]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,category,fold", *lines]))
    arguments = [
        "--truth",
        tmp_path / "truth.csv",
        "--embeddings",
        tmp_path / "vectors.npy",
        "--seeds",
        "500",
    ]
    command = [Path(sys.executable).with_name("escolta"), "simulate", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while not moment(process.pid):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(later_s)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)  # until the last process has closed its output
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "Traceback" not in said
    assert re.search("Interrupted: [0-9]+ of [0-9]+ campaigns are done", said)
    assert process.returncode == 130
