"""`escolta demo`: as a command with its last line and exit status, and what it makes of its choices."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from escolta.demo import Demo, play
from escolta.errors import Misconfigured
from escolta.settings import Settings
from system.worlds import SECRET

PATIENCE_S = 120


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end, with all its data under `folder`."""
    environment = os.environ | {"ESCOLTA_STATE_DIR": str(folder / "var"), "ESCOLTA_MODEL": "placeholder"}
    command = [str(Path(sys.executable).with_name("escolta")), "demo", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


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


def test_a_folder_without_recordings_is_refused_by_name(tmp_path):
    (recordings := tmp_path / "recordings").mkdir()
    (recordings / "gulls.mp3").write_bytes(b"ID3")
    done = demo(tmp_path, "--audio", str(recordings))
    assert done.returncode == 2
    assert done.stderr.startswith(f"escolta: AUDIO={recordings} holds no recording")
    assert "WAV, FLAC or Ogg" in done.stderr


async def test_a_folder_of_broken_recordings_is_refused_by_name(tmp_path, catalog_url):
    (recordings := tmp_path / "recordings").mkdir()
    (recordings / "broken.wav").write_bytes(b"RIFF, but no sound")
    chosen = Demo(recordings, truth=None, iterations=None, batch=4, headless=False)
    with pytest.raises(Misconfigured, match=f"no file in {recordings} is a recording that can be used"):
        await play_here(chosen, tmp_path, catalog_url)
