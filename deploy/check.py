"""Checks the deployment files without an engine, a cluster or the internet. `make check` runs it."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
K8S = ROOT / "deploy/k8s"
OLDEST_KUBERNETES = "1.31"
SECRETS = ("RABBITMQ_PASSWORD", "POSTGRES_PASSWORD", "S3_SECRET", "ESCOLTA_SECRET", "ESCOLTA_METRICS_TOKEN")


def main() -> None:
    """Run every check; exit 1 with what is wrong."""
    with_secrets = os.environ | dict.fromkeys(SECRETS, "checked")
    manifests = sorted(path for path in K8S.glob("*.yaml") if path.name != "kustomization.yaml")
    validator = [BIN / "kubernetes-validate", "--quiet", "--strict", "-k", OLDEST_KUBERNETES]
    wrong = [
        *_run([BIN / "docker-compose", "config", "--quiet"], with_secrets),
        *_run([BIN / "hadolint", "deploy/Dockerfile"]),
        *_run([*validator, *manifests]),
        *_run([BIN / "shellcheck", ".ci/run"]),
        *_compose_starts_without_secrets(),
        *_unlisted(manifests),
        *_five_services(),
        *_images_differ(),
        *_entrances_differ(),
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"deployment files: {'wrong' if wrong else 'all right'}")
    sys.exit(bool(wrong))


def _run(command: list, environment: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if done.returncode == 0 else [f"{Path(command[0]).name}: {done.stdout}{done.stderr}"]


def _compose_starts_without_secrets() -> list[str]:
    """No default passwords: without secrets the file must be refused."""
    bare = {name: value for name, value in os.environ.items() if name not in SECRETS}
    refused = _run([BIN / "docker-compose", "--env-file", os.devnull, "config", "--quiet"], bare)
    return [] if refused else ["docker-compose.yml: it can be started without secrets of its own"]


def _unlisted(manifests: list[Path]) -> list[str]:
    """Kustomize ignores a file that nobody lists."""
    listed = yaml.safe_load((K8S / "kustomization.yaml").read_text())["resources"]
    return [
        f"kustomization.yaml does not list {path.name}" for path in manifests if path.name not in listed
    ] + [
        f"kustomization.yaml lists {name}, which is not there"
        for name in listed
        if not (K8S / name).is_file()
    ]


def _five_services() -> list[str]:
    services = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    compose = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
    k8s = {path.stem for path in K8S.glob("*.yaml")}
    return [f"{name} is missing in docker-compose.yml" for name in services - compose] + [
        f"{name} is missing in deploy/k8s" for name in services - k8s
    ]


def _images_differ() -> list[str]:
    """What `make images` builds is what the manifests start: the service at its version."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    wrong = []
    for project in sorted(ROOT.glob("services/*/pyproject.toml")):
        name = project.parent.name
        image = f"escolta/{name}:{tomllib.loads(project.read_text())['project']['version']}"
        if (built := compose[name]["image"]) != image:
            wrong.append(f"docker-compose.yml builds {built}: the service's version makes it {image}")
        if (started := _started(name)) != image:
            wrong.append(f"deploy/k8s/{name}.yaml starts {started}: the service's version makes it {image}")
    return wrong


def _started(name: str) -> str:
    [deployment, *_] = yaml.safe_load_all((K8S / f"{name}.yaml").read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return container["image"]


def _entrances_differ() -> list[str]:
    """Compose and Kubernetes open the same paths; tests/contract/test_entrance.py tries Compose's."""
    pattern = re.compile(r"^    (~\^)?(/[a-z/-]*)(?:\(/\|\$\))? +([a-z-]+);$", re.MULTILINE)
    nginx = {
        ("Prefix" if is_prefix else "Exact", path, service)
        for is_prefix, path, service in pattern.findall((ROOT / "deploy/entrance.conf").read_text())
    }
    [rule] = yaml.safe_load((K8S / "entrance.yaml").read_text())["spec"]["rules"]
    ingress = {
        (one["pathType"], one["path"], one["backend"]["service"]["name"]) for one in rule["http"]["paths"]
    }
    return [
        f"{path} goes to {service} ({kind}) in only one of deploy/entrance.conf and deploy/k8s/entrance.yaml"
        for kind, path, service in sorted(nginx ^ ingress)
    ]


if __name__ == "__main__":
    main()
