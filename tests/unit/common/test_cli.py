"""The command line: settings from the environment, and errors that say what to do."""

import ast
import asyncio
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest

from escolta import cli, commands, doctor
from escolta.errors import Misconfigured
from escolta.service import Finding
from escolta.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("ESCOLTA_BUS_URL", "ESCOLTA_CATALOG_URL", "ESCOLTA_OBJECTS_URL", "ESCOLTA_SECRET"):
        monkeypatch.delenv(name, raising=False)


def escolta(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("escolta")
    return subprocess.run([command, *arguments], capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("name", ["ESCOLTA_GROUP_SHARES", "ESCOLTA_CATALOG_PASSWORDS"])
def test_a_setting_that_is_no_json_is_named_and_not_repeated(monkeypatch, name):
    monkeypatch.setenv(name, "ingest=hunter")
    with pytest.raises(Misconfigured, match=f"{name} is no JSON") as caught:
        load_settings()
    assert "hunter" not in str(caught.value)


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


def test_a_state_folder_that_cannot_be_made_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ESCOLTA_STATE_DIR", str(tmp_path / "file" / "var"))
    with pytest.raises(Misconfigured, match=r"ESCOLTA_STATE_DIR: .* cannot be used \(Not a directory\)"):
        load_settings()


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


@pytest.mark.parametrize(("name", "value"), [("BATCH", 2**31), ("SIGN_IN_HOURS", 1e300), ("DRAIN_S", "inf")])
def test_a_setting_beyond_its_bounds_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"ESCOLTA_{name}", str(value))
    with pytest.raises(Misconfigured, match=f"ESCOLTA_{name}: Input should be less than or equal to"):
        load_settings()


def test_the_address_of_the_pages_may_end_in_a_slash_and_is_one(monkeypatch):
    monkeypatch.setenv("ESCOLTA_PUBLIC_URL", "https://escolta.example.org/")
    assert load_settings().public_url == "https://escolta.example.org"


@pytest.mark.parametrize(
    "url",
    [
        "escolta.example.org",
        "https://",
        "https://two..dots",
        "https://host:99999",
        "https://host/#labels",
        "https://host/?of=hunter",
        "https://ana:hunter@host",
        "https://ana:hun/ter@host",
        "https://hunter@host",
        "https://:hunter@host",
    ],
)
def test_an_address_that_nobody_should_be_shown_is_one_sentence_without_it(monkeypatch, url):
    monkeypatch.setenv("ESCOLTA_PUBLIC_URL", url)
    with pytest.raises(Misconfigured, match="ESCOLTA_PUBLIC_URL: write http://… or https://…") as caught:
        load_settings()
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize("value", ["harbor=3", '{"harbor": ', '{"harbor": Infinity}'])
def test_parts_of_groups_that_are_none_are_named(monkeypatch, value):
    monkeypatch.setenv("ESCOLTA_GROUP_SHARES", value)
    with pytest.raises(Misconfigured, match="ESCOLTA_GROUP_SHARES"):
        load_settings()


def test_an_unknown_service_is_named_with_those_there_are():
    done = escolta("run", "transcriber")
    assert done.returncode == 2
    assert "no service is called 'transcriber'" in done.stderr
    assert "label-gateway" in done.stderr
    assert "Traceback" not in done.stderr


BRINGER = """
import typer
print("bringer is imported")

def salute(context: typer.Context, name: str = "all") -> None:
    '''Salute everybody.

    Or one.'''
    print("the catalog is at hand of", name, callable(context.obj))

flags = typer.Typer(help="Flags of ships.")

@flags.callback()
def all_flags() -> None: ...

@flags.command()
def hoist(flag: str) -> None:
    print("hoisted", flag)
"""


@pytest.fixture
def brought(monkeypatch, tmp_path) -> Iterator[None]:
    """A module of a service that brings a command and a group, and says when it is imported."""
    (tmp_path / "bringer.py").write_text(BRINGER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bringer", raising=False)
    given = {"salute": "salute", "flags": "flags", "ship.greet": "salute", "ship.call": "salute"}
    entries = [EntryPoint(name, f"bringer:{what}", "escolta.commands") for name, what in given.items()]
    monkeypatch.setattr(commands, "entry_points", lambda group: entries)
    commands.installed.cache_clear()  # another test of this process may have asked before
    yield
    commands.installed.cache_clear()


def told(monkeypatch, capsys, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["escolta", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.usefixtures("brought")
def test_a_service_brings_a_plain_command(monkeypatch, capsys):
    assert "at hand of me True" in told(monkeypatch, capsys, "salute", "--name", "me")
    assert "escolta salute" in " ".join(told(monkeypatch, capsys, "salute", "--help").split())


@pytest.mark.usefixtures("brought")
def test_a_service_brings_a_group_of_commands(monkeypatch, capsys):
    assert "hoisted red" in told(monkeypatch, capsys, "flags", "hoist", "red")
    listed = told(monkeypatch, capsys, "flags", "--help")
    assert "hoist" in listed
    assert "completion" not in listed


@pytest.mark.usefixtures("brought")
def test_several_packages_bring_the_commands_of_one_group(monkeypatch, capsys):
    assert "at hand of me True" in told(monkeypatch, capsys, "ship", "greet", "--name", "me")
    assert "escolta ship call" in " ".join(told(monkeypatch, capsys, "ship", "call", "--help").split())
    assert "No such command 'sink'" in told(monkeypatch, capsys, "ship", "sink")


@pytest.mark.usefixtures("brought")
def test_the_list_of_such_a_group_tells_of_each_and_imports_none(monkeypatch, capsys):
    assert "call, greet" in told(monkeypatch, capsys, "--help")
    listed = told(monkeypatch, capsys, "ship", "--help")
    for words in ("greet", "call", "Salute everybody."):
        assert words in listed
    assert "bringer is imported" not in listed


@pytest.mark.usefixtures("brought")
def test_the_list_of_commands_tells_of_each_and_imports_none(monkeypatch, capsys):
    listed = told(monkeypatch, capsys, "--help")
    for words in ("salute", "Salute everybody.", "flags", "Flags of ships.", "doctor"):
        assert words in listed
    assert "bringer is imported" not in listed


@pytest.mark.usefixtures("brought")
def test_an_unknown_command_is_named(monkeypatch, capsys):
    assert "No such command 'sulate'" in told(monkeypatch, capsys, "sulate")


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]):
    script = f"""
import sys
sys.argv = ["escolta", *{arguments!r}]
from escolta.cli import main
try:
    main()
finally:
    print(sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    imported = set(ast.literal_eval(done.stderr))
    assert "typer" in imported
    assert not imported & {
        "numpy",
        "sklearn",
        "torch",
        "scipy",
        "asyncpg",
        "fastapi",
        "aio_pika",
        "soundfile",
    }


def test_every_command_that_is_installed_has_a_line_in_the_list():
    for command in entry_points(group="escolta.commands"):
        assert commands.help_of(command), command.name


def test_a_service_brings_checks_to_the_doctor(monkeypatch):
    def check(settings: Settings) -> list[Finding]:
        return [Finding("the anchor holds", "drop it")]

    brought = SimpleNamespace(name="anchor", load=lambda: check)
    monkeypatch.setattr(doctor, "entry_points", lambda group: [brought] if group == "escolta.checks" else [])
    assert Finding("the anchor holds", "drop it") in asyncio.run(doctor.examine(load_settings()))


def test_the_doctor_names_a_state_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("no folder")
    settings = load_settings(state_dir=tmp_path / "file" / "var", secret="hush, hush, says the harbor")
    findings = {finding.what: finding.todo for finding in asyncio.run(doctor.examine(settings))}
    assert findings[f"{settings.state_dir} cannot be made (Not a directory)"] == (
        "make it, or correct ESCOLTA_STATE_DIR"
    )


def test_a_bus_of_an_unknown_kind_is_refused(monkeypatch):
    monkeypatch.setenv("ESCOLTA_BUS_URL", "carrier-pigeon://roof")
    done = escolta("run", "node-agent")
    assert done.returncode == 2
    assert "ESCOLTA_BUS_URL" in done.stderr
    assert "Traceback" not in done.stderr
