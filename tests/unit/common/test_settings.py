"""Settings that are files, as containers are given secrets."""

from pathlib import Path

import pytest

from escolta.errors import Misconfigured
from escolta.settings import load_settings


@pytest.fixture
def secrets_dir(monkeypatch, tmp_path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("ESCOLTA_BUS_URL", "ESCOLTA_CATALOG_URL", "ESCOLTA_NODE_PASSWORDS"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("ESCOLTA_SECRETS_DIR", str(folder))
    return folder


def test_a_file_is_called_as_the_variable_and_holds_its_value(secrets_dir):
    (secrets_dir / "ESCOLTA_CATALOG_URL").write_text("postgresql://escolta:sesame@postgres/escolta\n")
    (secrets_dir / "ESCOLTA_NODE_PASSWORDS").write_text('{"quay-1": "sesame"}')
    settings = load_settings()
    assert settings.catalog_url == "postgresql://escolta:sesame@postgres/escolta"
    assert settings.node_passwords["quay-1"].get_secret_value() == "sesame"


def test_the_variable_goes_before_the_file(secrets_dir, monkeypatch):
    (secrets_dir / "ESCOLTA_BUS_URL").write_text("amqps://file")
    monkeypatch.setenv("ESCOLTA_BUS_URL", "memory://")
    assert load_settings().bus_url == "memory://"


def test_a_folder_that_is_asked_for_and_absent_is_named(secrets_dir, monkeypatch):
    monkeypatch.setenv("ESCOLTA_SECRETS_DIR", "/nowhere")
    with pytest.raises(Misconfigured, match="ESCOLTA_SECRETS_DIR: /nowhere is no folder"):
        load_settings()


@pytest.mark.parametrize("name", ["ESCOLTA_BUS_URL", "ESCOLTA_NODE_PASSWORDS"])
def test_a_file_that_cannot_be_read_is_named_and_not_shown(secrets_dir, name):
    (secrets_dir / name).write_bytes(b"sesame\xff")
    with pytest.raises(Misconfigured, match=f"{name}: its file cannot be read") as caught:
        load_settings()
    assert "sesame" not in str(caught.value)
