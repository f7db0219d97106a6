"""deploy/bake.hcl can be read, and builds what docker-compose.yml builds, with the same arguments."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

from checks.alike import compose_services, unchosen

ROOT = Path(__file__).parents[2]
CHOICES = ("", "cpu", "cuda")
"""Of ESCOLTA_EMBEDDER: the embedder's image is one of three."""
OURS = "${ESCOLTA_REGISTRY}"

Arguments = Mapping[str, str]


def wrong_bake(text: str | None = None) -> list[str]:
    """What `docker buildx bake` would refuse, leave out, or build otherwise."""
    try:
        targets, group = _read(text or (ROOT / "deploy/bake.hcl").read_text("utf-8"))
        baked = {name: _inherited(target, targets) for name, target in targets.items() if name != "image"}
    except Exception as error:  # noqa: BLE001  # the parser's own kinds of errors are many
        return [f"deploy/bake.hcl cannot be read: {error}"]
    return [*_others(baked, group), *(line for name, target in baked.items() for line in _odd(name, target))]


def _read(text: str) -> tuple[dict[str, Any], set[str]]:
    """Each target, and the names in the group that is built where nobody names one."""
    options = hcl2.SerializationOptions(strip_string_quotes=True, with_comments=False, explicit_blocks=False)
    read = hcl2.loads(text, serialization_options=options)
    targets = {name.strip('"'): body for block in read["target"] for name, body in block.items()}
    [default] = [
        body for block in read["group"] for name, body in block.items() if name.strip('"') == "default"
    ]
    return targets, set(default["targets"])


def _inherited(target: Mapping[str, Any], targets: Mapping[str, Any]) -> dict[str, Any]:
    above = [_inherited(targets[name], targets) for name in target.get("inherits", [])]
    return {key: value for block in (*above, target) for key, value in block.items()}


def _others(baked: Mapping[str, Any], group: set[str]) -> Iterator[str]:
    built = dict(_of_compose())
    for name in sorted(baked.keys() ^ built.keys()):
        yield f"{name} is built by only one of deploy/bake.hcl and docker-compose.yml"
    for name in sorted(baked.keys() & built.keys()):
        given = {key: value for key, value in baked[name].get("args", {}).items() if key != "VERSION"}
        if given != built[name]:
            yield f"deploy/bake.hcl builds {name} with {given}, docker-compose.yml with {dict(built[name])}"
    for name in sorted(group ^ baked.keys()):
        yield f"deploy/bake.hcl: {name} is a target or in the group `default`, and not both"


def _odd(name: str, target: Mapping[str, Any]) -> Iterator[str]:
    if target.get("tags") != [f"{OURS}/{name}:${{VERSION}}"]:
        yield f"deploy/bake.hcl: {name} has the tags {target.get('tags')}"
    for key in ("context", "dockerfile"):
        if not (ROOT / target.get(key, "none")).exists():
            yield f"deploy/bake.hcl: {key} of {name} is not there"


def _of_compose() -> Iterator[tuple[str, Arguments]]:
    """The images that Compose builds, with what it gives each; an argument that is empty is none."""
    for part in compose_services().values():
        if "build" in part:
            for choice in CHOICES if "ESCOLTA_EMBEDDER" in part["image"] else ("",):
                image = _chosen(part["image"], choice)
                arguments = {key: _chosen(value, choice) for key, value in part["build"]["args"].items()}
                name = image.rpartition("/")[2].partition(":")[0]
                yield name, {key: value for key, value in arguments.items() if value}


def _chosen(value: str, choice: str) -> str:
    """A value of docker-compose.yml where ESCOLTA_EMBEDDER is `choice`, and nothing else is chosen."""
    if choice:
        value = re.sub(r"\$\{ESCOLTA_EMBEDDER:\+((?:[^{}]|\$\{\w+\})*)\}", r"\1", value)
        value = re.sub(r"\$\{ESCOLTA_EMBEDDER(?::-[^}]*)?\}", choice, value)
    return unchosen(value)
