"""`make up`, `restore` and `demo`, in a home of nobody. What Docker is asked, which is not here, is noted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKER = """#!/bin/sh
echo "$*" >> "$ASKED"
case "$*" in *greet) echo "Open this link to sign in: https://localhost:8443/sign-in/abc" ;; esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone, and a docker that is found before any other."""
    made = shutil.ignore_patterns("tls", "secrets", "__pycache__")
    shutil.copytree(ROOT / "deploy", tmp_path / "clone/deploy", ignore=made)
    for name in ("Makefile", "docker-compose.yml"):
        shutil.copy(ROOT / name, tmp_path / "clone")
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return tmp_path / "clone"


def make(clone: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    home = clone.parent
    environment = {
        "HOME": str(home),
        "PATH": f"{home}/bin:{os.defpath}",
        "ASKED": f"{home}/asked",
        "PYTHON": f"{sys.executable} -S -B",
    }
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=clone, env=environment, input=said, capture_output=True, text=True, check=False
    )


def asked(clone: Path) -> list[str]:
    """What Docker was asked, in this order."""
    file = clone.parent / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_up_ends_with_a_way_in_and_what_to_do_next(clone: Path):
    done = make(clone, "up")
    assert done.returncode == 0, done.stderr
    for told in (
        "https://localhost:8443/sign-in/abc",
        "operator node add",
        "up --detach node-agent",
        "https://localhost:8444",
    ):
        assert told in done.stdout


def test_up_installs_nothing_and_makes_certificates_before_it_starts(clone: Path):
    make(clone, "up")
    assert not (clone / ".venv").exists()
    me = f"{os.geteuid()}:{os.getegid()}"
    assert asked(clone) == [
        f"compose run --rm --user {me} certificates",
        "compose up --detach --wait --remove-orphans",
        "compose exec --no-TTY label-gateway /opt/escolta/bin/escolta greet",
    ]


def test_certificates_are_for_the_host_that_env_names(clone: Path):
    shutil.copy(clone / "deploy/env.example", clone / ".env")
    text = (clone / ".env").read_text().replace("ESCOLTA_HOST=\n", "ESCOLTA_HOST=sound.example.org\n")
    (clone / ".env").write_text(text)
    assert "https://sound.example.org:8444" in make(clone, "up").stdout
    assert asked(clone)[0].endswith("certificates --host sound.example.org")


def test_restoring_wants_a_word_first(clone: Path):
    done = make(clone, "restore", said="yes\n")
    assert done.returncode != 0
    assert "Nothing was done" in done.stdout
    assert asked(clone) == []


def test_a_restore_keeps_the_catalog_of_before_and_brings_late_audios_back(clone: Path):
    done = make(clone, "restore", said="restore\n")
    assert done.returncode == 0, done.stderr
    stopped, kept, restored, started, rescanned = asked(clone)
    assert stopped == "compose stop"
    assert "mv /var/lib/postgresql/18/docker /var/lib/postgresql/18/docker.before-" in kept
    assert restored == "compose run --rm restore"
    assert started == "compose up --detach --wait"
    assert rescanned == "compose run --rm operator rescan"


def test_a_restore_to_a_moment_brings_nothing_from_after_it(clone: Path):
    done = make(clone, "restore", "TO_TIME=2026-11-29T12:00:00", said="restore\n")
    assert done.returncode == 0, done.stderr
    assert "compose run --rm restore --to-time 2026-11-29T12:00:00" in asked(clone)
    assert not [line for line in asked(clone) if "rescan" in line]


@pytest.mark.parametrize("name", ["card $more (1)", 'it\'s "quoted" & $(HOME) `id`', "plain"])
def test_a_folder_of_recordings_may_be_called_anything(clone: Path, name: str):
    escolta = clone / ".venv/bin/escolta"
    escolta.parent.mkdir(parents=True)
    escolta.write_text('#!/bin/sh\nfor argument; do echo "<$argument>"; done\n')
    escolta.chmod(0o755)
    (clone / ".venv/.demo").touch()
    done = make(clone, "--old-file=.venv/.demo", "demo", f"AUDIO={name}", f"TRUTH={name}.csv")
    assert done.stdout.split("\n")[:-1] == ["<demo>", "<--audio>", f"<{name}>", "<--truth>", f"<{name}.csv>"]
