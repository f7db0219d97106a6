"""What `escolta doctor` says of servers and folders, and how soon."""

import asyncio
import os
from pathlib import Path

import pytest

from escolta import doctor
from escolta.settings import load_settings
from servers.process import free_ports


def findings(folder: Path, **settings: str) -> dict[str, str]:
    """What there is to do about each finding of an installation in `folder`; empty where all is well."""
    chosen = load_settings(state_dir=folder / "var", secret="hush, hush, says the harbor", **settings)
    return {finding.what: finding.todo for finding in asyncio.run(doctor.examine(chosen))}


@pytest.mark.parametrize(("scheme", "broker"), [("amqp", "RabbitMQ"), ("mqtt", "MQTT broker")])
def test_a_broker_that_is_away_is_out_of_reach_soon(tmp_path, monkeypatch, scheme: str, broker: str):
    monkeypatch.setattr(doctor, "ANSWERS_WITHIN_S", 0.5)
    port = free_ports(1)[0]
    found = findings(tmp_path, bus_url=f"{scheme}://127.0.0.1:{port}", objects_url=f"file://{tmp_path}")
    [(what, todo)] = [(what, todo) for what, todo in found.items() if what.startswith("bus")]
    assert f"bus is out of reach: ESCOLTA_BUS_URL: no {broker} answers at 127.0.0.1:{port}" in what
    assert todo == "start it, or correct ESCOLTA_BUS_URL"


def test_a_folder_of_objects_is_looked_at_and_not_made(tmp_path):
    folder = tmp_path / "disk" / "objects"
    found = findings(tmp_path, objects_url=f"file://{folder}")
    assert found[f"object store: {folder} is made with the first object"] == ""
    assert not folder.parent.exists()
    folder.mkdir(parents=True)
    found = findings(tmp_path, objects_url=f"file://{folder}")
    assert found[f"object store: {folder} can be written"] == ""


def test_a_file_where_the_objects_should_be_is_no_folder(tmp_path):
    (tmp_path / "disk").write_text("no folder")
    found = findings(tmp_path, objects_url=f"file://{tmp_path}/disk/objects")
    assert found[f"object store: {tmp_path}/disk is no folder"] == "correct ESCOLTA_OBJECTS_URL"


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write anywhere
    found = findings(tmp_path, objects_url=f"file://{tmp_path}")
    assert "ESCOLTA_OBJECTS_URL" in found[f"object store: {tmp_path} cannot be written"]
