"""What `make up` makes of nothing: by Python alone, in a home of nobody, and again without changing it."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from escolta.settings import Settings, read_settings
from ingest.fleet.admission import environment_of
from monitoring import receivers
from passwords import read_lines

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that a clone has of the deployment."""
    made = shutil.ignore_patterns("tls", "secrets", "__pycache__")
    shutil.copytree(ROOT / "deploy", tmp_path / "clone/deploy", ignore=made)
    return tmp_path / "clone"


def start(clone: Path, home: Path, *how: str) -> subprocess.CompletedProcess[str]:
    """As `make up` begins; -S hides whatever is installed beside the standard library."""
    command = [sys.executable, "-S", "-B", str(clone / "deploy/make_env.py"), *how]
    environment = {"HOME": str(home), "PATH": os.defpath}
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


@pytest.fixture
def started(clone: Path, tmp_path: Path) -> Path:
    done = start(clone, tmp_path)
    assert done.returncode == 0, done.stderr
    return clone


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_second_start_changes_nothing(started: Path, tmp_path: Path):
    before = contents(started)
    done = start(started, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert contents(started) == before


def test_nobody_else_on_the_machine_comes_to_the_secrets(started: Path):
    secrets = started / "deploy/secrets"
    closed = [secrets, secrets / "nodes", started / "deploy/tls"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in closed} == {0o700}
    kept = [started / ".env", secrets / "passwords.env", *(secrets / "nodes").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_a_container_reads_its_own_folder_whoever_it_runs_as(started: Path):
    folders = [
        path for path in (started / "deploy/secrets").iterdir() if path.is_dir() and path.name != "nodes"
    ]
    files = [file for folder in folders for file in folder.iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}


def test_no_secret_is_told_to_two_deployments(started: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(started, other, ignore=shutil.ignore_patterns("secrets"))
    start(other, tmp_path)
    file = "deploy/secrets/passwords.env"
    ours, others = ({*(clone / file).read_text().split()} for clone in (started, other))
    assert not ours & others


def test_each_service_reads_its_settings_from_its_folder(started: Path, monkeypatch):
    monkeypatch.setenv("ESCOLTA_SECRETS_DIR", str(started / "deploy/secrets/embedder"))
    settings = read_settings()
    assert settings.catalog_url.startswith("postgresql://escolta_embedder:")
    assert settings.secret is not None


def test_every_node_of_env_is_let_in_with_what_escolta_node_add_would_print(clone: Path, tmp_path: Path):
    chosen = (clone / "deploy/env.example").read_text()
    for before, after in {
        "ESCOLTA_NODES=quay-1": "ESCOLTA_NODES=quay-1, quay-2",
        "ESCOLTA_HOST=": "ESCOLTA_HOST=sound.example.org",
    }.items():
        chosen = chosen.replace(f"{before}\n", f"{after}\n")
    (clone / ".env").write_text(chosen)
    assert start(clone, tmp_path).returncode == 0
    secrets = clone / "deploy/secrets"
    passwords = json.loads((secrets / "accounts/ESCOLTA_NODE_PASSWORDS").read_text())
    assert set(passwords) == {"quay-1", "quay-2"}
    settings = Settings(
        broker_admin_url="https://escolta:sesame@rabbitmq:15671",
        node_bus_url="mqtts://sound.example.org:8883",
    )
    for node, password in passwords.items():
        assert (secrets / f"nodes/{node}.env").read_text() == environment_of(settings, node, password)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ESCOLTA_NODES=Quay 1", "'Quay 1' in ESCOLTA_NODES is no node's name"),
        ("ESCOLTA_ALERTS_WEBHOOK=harbor", "ESCOLTA_ALERTS_WEBHOOK: write https://"),
        ("ESCOLTA_NODE_NAME=quay-9", "ESCOLTA_NODE_NAME is 'quay-9': name one of ESCOLTA_NODES"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(clone: Path, tmp_path: Path, line: str, sentence: str):
    (clone / ".env").write_text(f"{line}\n")
    done = start(clone, tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (clone / "deploy/secrets/ingest").exists()


def test_alerts_are_told_to_whom_env_names(clone: Path, tmp_path: Path):
    (clone / ".env").write_text("ESCOLTA_ALERTS_WEBHOOK=https://sound.example.org/alerts\n")
    assert start(clone, tmp_path).returncode == 0
    told = (clone / "deploy/secrets/alertmanager/alertmanager.yml").read_text()
    assert "https://sound.example.org/alerts" in told


def test_env_of_an_older_version_gets_what_is_new(clone: Path, tmp_path: Path):
    (clone / ".env").write_text("ESCOLTA_HOST=sound.example.org\n# mine\n")
    assert "ESCOLTA_SECRETS" in start(clone, tmp_path).stdout
    lines = (clone / ".env").read_text().splitlines()
    assert lines[:2] == ["ESCOLTA_HOST=sound.example.org", "# mine"]
    assert "ESCOLTA_SECRETS=./deploy/secrets" in lines


def test_env_offers_what_is_asked_for_and_nothing_else():
    files = (ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("compose.*.yml"))
    compose = "".join(file.read_text("utf-8") for file in files)
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", compose))
    told = re.findall("ESCOLTA_ALERTS_[A-Z]+", receivers.__doc__ or "")
    elsewhere = {"COMPOSE_PROFILES", "ESCOLTA_NODE_NAME", *told}  # Docker's own, and what make_env.py reads
    assert set(read_lines(ROOT / "deploy/env.example")) == asked | elsewhere


@pytest.mark.parametrize("how", [[], ["--k8s"]])
def test_a_password_that_another_has_made_is_for_the_one_that_signs_in_there(clone, tmp_path: Path, how):
    folder = clone / ("deploy/k8s/own" if how else "deploy/secrets")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "passwords.env").write_text("ESCOLTA_BAT_PASSWORD=of BAT's operator\n")
    done = start(clone, tmp_path, *how)
    assert done.returncode == 0, done.stderr
    told = {file for file, text in contents(folder).items() if "of BAT's operator" in text}
    told -= {"passwords.env"}
    assert told == {"label-gateway.env" if how else "label-gateway/ESCOLTA_BAT_PASSWORD"}
