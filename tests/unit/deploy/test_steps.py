"""docs/deploy.md for Kubernetes, as far as it can be followed without a cluster: what it names is there."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from checks.bake import wrong_bake
from checks.parts import Part, named
from escolta.cli import app
from escolta.commands import Commands
from given import settings_of_parts
from passwords import SECRETS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/deploy.md").read_text("utf-8")
[SECTION] = re.findall(r"^## With Kubernetes.*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^ {3,4}```\n(.*?)^ {3,4}```", re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join([*BLOCK.findall(SECTION), *re.findall(r"`([^`]+)`", BLOCK.sub("", SECTION))])
COMMANDS = COMMANDS.replace("\\\n", " ")
KINDS = {
    "deploy": "Deployment",
    "deployment": "Deployment",
    "job": "Job",
    "cronjob": "CronJob",
    "ingress": "Ingress",
    "service": "Service",
}
MADE = {"deploy/k8s/own/tls"}
"""What `escolta tls` makes."""


def objects_named() -> set[str]:
    """What kubectl is asked for."""
    of_a_kind = r"(?<![\w$/])(deployment|deploy|cronjob|job)/([\w-]+)(?=\s|$)"
    listed = r"(?:get|patch|delete) (ingress|service|cronjob|job)\s+([a-z][\w -]*)"
    found = re.findall(of_a_kind, COMMANDS)
    for kind, names in re.findall(listed, COMMANDS):
        found += [(kind, name) for name in re.sub(r" -.*", "", names).split()]
    return {f"{KINDS[kind]} {name}" for kind, name in found}


@pytest.mark.parametrize("overlay", ["single_node", "production"])
def test_what_kubectl_is_asked_for_is_there(overlay: str, request: pytest.FixtureRequest):
    parts: list[Part] = request.getfixturevalue(overlay)
    assert {"Deployment forget", "CronJob retain", "CronJob backup", "Ingress entrance"} <= objects_named()
    assert objects_named() <= {named(part) for part in parts}


def test_the_folders_and_files_are_there(deploy: Path):
    """Those of a clone, with what `deploy/make_env.py --k8s` and `escolta tls` add."""
    files = {
        file for file in re.findall(r"(?<![\w/])deploy/[\w./-]*\w", COMMANDS) if re.search(r"[./]", file[7:])
    }
    assert "deploy/k8s/own/settings.env" in files
    assert [file for file in sorted(files - MADE) if not (deploy.parent / file).exists()] == []


def test_what_sed_changes_is_there_and_is_changed(deploy: Path, tmp_path: Path):
    """Each line of each expression finds what it is to replace."""
    edits = re.findall(r"sed -i '([^']+)' (\S+)", COMMANDS)
    assert len(edits) == 2
    for expressions, file in edits:
        for expression in expressions.split("\n"):
            edited = tmp_path / "edited"
            edited.write_text((deploy.parent / file).read_text("utf-8"))
            before = edited.read_text()
            subprocess.run(["sed", "-i", expression.strip(), edited], check=True)
            assert edited.read_text() != before, expression


def test_every_image_that_a_cluster_starts_is_given_to_it(single_node: list[Part]):
    [listed] = re.findall(r"for image in ([\w -]+); do", COMMANDS)
    started = set(re.findall(r"localhost/escolta/([\w-]+):", yaml.safe_dump_all(single_node)))
    assert set(listed.split()) == started


def test_each_target_of_the_images_is_there():
    assert wrong_bake() == []
    targets = set(re.findall(r'^target "([\w-]+)"', (ROOT / "deploy/bake.hcl").read_text(), re.MULTILINE))
    assert set(re.findall(r"--file deploy/bake.hcl ([a-z][\w-]+)", COMMANDS)) <= targets


def test_each_component_is_there():
    named = set(re.findall(r"the component `([\w-]+)`", SECTION))
    assert named == {path.name for path in (ROOT / "deploy/k8s/components").iterdir()}


def test_the_files_in_which_another_store_is_named_are_there(deploy: Path):
    [names] = re.findall(r"`own/\{([\w,-]+)\}\.env`", SECTION)
    for name in names.split(","):
        assert "ESCOLTA_OBJECTS_URL=" in (deploy / f"k8s/own/{name}.env").read_text("utf-8")
    given = settings_of_parts(dict.fromkeys(SECRETS, "sesame"), [])
    with_store = {part for part, settings in given.items() if "ESCOLTA_OBJECTS_URL" in settings}
    in_a_cluster = {part for part in with_store if (deploy / f"k8s/own/{part}.env").exists()}
    assert in_a_cluster == set(names.split(","))


def test_the_commands_of_escolta_are_there():
    asked = set(re.findall(r"/opt/escolta/bin/escolta (\w+)", COMMANDS)) | {"tls"}
    known = get_command(app)
    assert isinstance(known, Commands)
    assert asked <= {*known.commands, *known.list_commands(None)}
