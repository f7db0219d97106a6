"""The command line: settings from the environment, and errors that say what to do."""

import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from escolta import cli
from escolta.errors import Misconfigured
from escolta.settings import load_settings


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("ESCOLTA_BUS_URL", "ESCOLTA_CATALOG_URL", "ESCOLTA_OBJECTS_URL", "ESCOLTA_SECRET"):
        monkeypatch.delenv(name, raising=False)


def escolta(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("escolta")
    return subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_defaults_are_the_embedded_world():
    settings = load_settings()
    assert settings.bus_url == "memory://"
    assert settings.catalog_url == "embedded://var/catalog"
    assert settings.objects_url == "file://var/objects"
    assert settings.http_host == "127.0.0.1"


def test_the_secret_is_made_once_and_only_its_owner_can_read_it():
    first, second = load_settings().secret, load_settings().secret
    assert first == second
    assert stat.S_IMODE(Path("var/secret").stat().st_mode) == 0o600
    assert first is not None
    assert len(first.get_secret_value()) >= 32


def test_a_start_that_was_cut_off_leaves_no_secret_that_anybody_could_guess():
    load_settings()
    Path("var/secret").write_text("")
    with pytest.raises(Misconfigured, match="var/secret holds no secret: remove it"):
        load_settings()
    assert [path.name for path in Path("var").iterdir()] == ["secret"]


@pytest.mark.parametrize("secret", ["", "hush"])
def test_a_secret_that_can_be_guessed_is_refused(monkeypatch, secret):
    monkeypatch.setenv("ESCOLTA_SECRET", secret)
    with pytest.raises(Misconfigured, match="ESCOLTA_SECRET is shorter than 16 characters"):
        load_settings()


def test_a_secret_is_never_printed_with_the_settings():
    settings = load_settings(secret="hush, hush, says the harbor")
    assert "hush" not in repr(settings)


def test_a_wrong_setting_is_named(monkeypatch):
    monkeypatch.setenv("ESCOLTA_HTTP_PORT", "many")
    with pytest.raises(Misconfigured, match="ESCOLTA_HTTP_PORT"):
        load_settings()


def test_an_unknown_service_is_named_with_those_there_are():
    done = escolta("run", "transcriber")
    assert done.returncode == 2
    assert "no service is called 'transcriber'" in done.stderr
    assert "label-gateway" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_brings_a_plain_command(monkeypatch, capsys):
    def salute(context: typer.Context) -> None:
        print("the catalog is at hand:", callable(context.obj))

    entry = SimpleNamespace(name="salute", load=lambda: salute)
    monkeypatch.setattr(cli, "entry_points", lambda group: [entry])
    monkeypatch.setattr(cli, "app", typer.Typer(callback=cli.escolta))
    monkeypatch.setattr(sys, "argv", ["escolta", "salute"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "the catalog is at hand: True" in capsys.readouterr().out


def test_a_bus_of_an_unknown_kind_is_refused(monkeypatch):
    monkeypatch.setenv("ESCOLTA_BUS_URL", "carrier-pigeon://roof")
    done = escolta("run", "node-agent")
    assert done.returncode == 2
    assert "ESCOLTA_BUS_URL" in done.stderr
    assert "Traceback" not in done.stderr
