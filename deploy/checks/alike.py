"""Compose and Kubernetes start the same: images, servers, and paths at the entrance."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from checks.parts import Part, of_kind, pods

ROOT = Path(__file__).parents[2]
SERVERS = ("postgres", "seaweedfs")
"""Those whose whole configuration is their command; RabbitMQ's is a file that both worlds mount."""


def compose_services() -> dict[str, Any]:
    """The parts of docker-compose.yml."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]


def unchosen(text: str) -> str:
    """A value of docker-compose.yml where .env chooses nothing."""
    return re.sub(r"\$\{\w+:\+(?:[^{}]|\$\{\w+\})*\}", "", re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))


def missing_services(parts: Sequence[Part]) -> list[str]:
    """Each service of ours is in both."""
    services = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    started = {part["metadata"]["name"] for part in of_kind(parts, "Deployment")}
    return [f"{name} is missing in docker-compose.yml" for name in services - set(compose_services())] + [
        f"{name} is missing in deploy/k8s" for name in services - started
    ]


def other_images(parts: Sequence[Part]) -> list[str]:
    """What `make images` builds is what the manifests start: the service at its version."""
    compose, wrong = compose_services(), []
    started = {
        part["metadata"]["name"]: pod.spec["containers"][0]["image"]
        for part in of_kind(parts, "Deployment")
        for pod in pods([part])
    }
    for project in sorted(ROOT.glob("services/*/pyproject.toml")):
        name = project.parent.name
        version = tomllib.loads(project.read_text())["project"]["version"]
        built = unchosen(compose[name]["image"])
        if not built.endswith(f"/{name}:{version}"):
            wrong.append(f"docker-compose.yml builds {built}: the service's version is {version}")
        if started[name] not in (built, built.replace("/embedder:", "/embedder-cuda:")):
            wrong.append(f"deploy/k8s starts {started[name]}, docker-compose.yml builds {built}")
    return wrong + _jobs_of_another_version(parts, compose["ingest"]["image"].rpartition(":")[2])


def _jobs_of_another_version(parts: Sequence[Part], version: str) -> list[str]:
    """A Job of the same name as before would not be started by an upgrade."""
    return [
        f"the Job {job['metadata']['name']} does not end in {version}: an upgrade would not start it"
        for job in of_kind(parts, "Job")
        if not job["metadata"]["name"].endswith("-" + version.replace(".", "-"))
    ]


def other_servers(parts: Sequence[Part]) -> list[str]:
    """Compose and Kubernetes start the servers alike; tests/contract/test_closed_doors.py tries Compose's."""
    compose, wrong = compose_services(), []
    for stateful in of_kind(parts, "StatefulSet"):
        name = stateful["metadata"]["name"]
        [container] = stateful["spec"]["template"]["spec"]["containers"]
        if name in SERVERS and container["args"] != compose[name]["command"].split():
            wrong.append(f"{name} is started otherwise by docker-compose.yml than by deploy/k8s/servers")
    return wrong


def other_paths(parts: Sequence[Part]) -> list[str]:
    """Compose and Kubernetes open the same paths; tests/contract/test_entrance.py tries Compose's."""
    pattern = re.compile(r"^    (~\^)?(/[a-z/-]*)(?:\(/\|\$\))? +([a-z-]+);$", re.MULTILINE)
    nginx = {
        ("Prefix" if is_prefix else "Exact", path, service)
        for is_prefix, path, service in pattern.findall((ROOT / "deploy/entrance.conf").read_text())
    }
    [entrance] = of_kind(parts, "Ingress")
    [rule] = entrance["spec"]["rules"]
    ingress = {
        (entry["pathType"], entry["path"], entry["backend"]["service"]["name"])
        for entry in rule["http"]["paths"]
    }
    return [
        f"{path} goes to {service} ({kind}) in only one of entrance.conf and entrance.yaml"
        for kind, path, service in sorted(nginx ^ ingress)
    ]
