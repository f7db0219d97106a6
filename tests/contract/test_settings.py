"""No setting is there for nothing, and none is set that is not there."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from escolta.settings import Settings
from escolta.settings_page import readers_in
from given import settings_of_parts
from passwords import SECRETS

ROOT = Path(__file__).parents[2]


def unknown(variables: Iterable[str]) -> set[str]:
    """Those of ours that are no settings."""
    ours = {variable for variable in variables if variable.startswith("ESCOLTA_")}
    return ours - {f"ESCOLTA_{name.upper()}" for name in Settings.model_fields}


def test_every_setting_is_read_by_somebody():
    readers = readers_in(ROOT)
    assert [name for name in Settings.model_fields if not readers[name]] == []


def test_what_compose_sets_is_there():
    parts = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"].values()
    assert not unknown(variable for part in parts for variable in part.get("environment") or ())


def test_every_secret_that_a_part_is_given_is_there():
    parts = settings_of_parts(dict.fromkeys(SECRETS, "sesame"), []).values()
    assert not unknown(variable for part in parts for variable in part)


def test_what_a_cluster_is_given_is_there():
    files = [path for path in (ROOT / "deploy/k8s").rglob("*") if path.suffix in (".yaml", ".env")]
    named = {name for path in files for name in re.findall(r"\bESCOLTA_[A-Z0-9_]+", path.read_text("utf-8"))}
    assert not unknown(named - {"ESCOLTA_HOST"})  # Kustomize's own: the Ingress takes it from there


@pytest.mark.parametrize("variable", ["ESCOLTA_BATHC", "ESCOLTA_"])
def test_a_slip_of_the_pen_would_be_told(variable):
    assert unknown([variable, "ESCOLTA_BATCH", "PATH"]) == {variable}
