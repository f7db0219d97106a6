"""Checks the deployment files without an engine, a cluster or the internet. `make check` runs it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from arrows import wrong_networks, wrong_policies
from checks.accounts import foreign_accounts
from checks.alike import missing_services, other_images, other_paths, other_servers
from checks.availability import wrong_availability
from checks.bake import wrong_bake
from checks.connections import too_many_connections
from checks.crds import wrong_custom_objects
from checks.operators import refused_by_operators
from checks.parts import Part
from checks.pods import wrong_pods
from checks.references import wrong_references
from checks.rendering import EVERYTHING, OVERLAYS, NotRendered, copy_with_secrets, parts_of, rendered
from checks.second_opinion import unargued_findings
from checks.sizes import too_large
from monitoring.check import wrong_monitoring

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BESIDES = ("deploy/compose.gpu.yml", "deploy/compose.bat.yml")
COMPOSE = (
    BIN / "docker-compose",
    *(part for file in ("docker-compose.yml", *BESIDES) for part in ("--file", file)),
)
OLDEST_KUBERNETES = "1.31"
OF_A_CLUSTER: tuple[Callable[[Sequence[Part]], list[str]], ...] = (
    missing_services,
    other_images,
    other_servers,
    other_paths,
    foreign_accounts,
    wrong_pods,
    wrong_references,
    wrong_availability,
    wrong_policies,
    too_many_connections,
    wrong_custom_objects,
    refused_by_operators,
    too_large,
)


def main() -> None:
    """Run every check; exit 1 with what is wrong."""
    wrong = [
        *_run([*COMPOSE, "--env-file", "deploy/env.example", "--profile", "*", "config", "--quiet"]),
        *_run([BIN / "hadolint", "deploy/Dockerfile"]),
        *_run([BIN / "shellcheck", ".ci/run", *sorted(ROOT.glob("deploy/*.sh"))]),
        *_compose_starts_without_secrets(),
        *_plain_addresses(),
        *wrong_networks(),
        *wrong_bake(),
        *wrong_monitoring(),
        *_wrong_clusters(),
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"deployment files: {'wrong' if wrong else 'all right'}")
    sys.exit(bool(wrong))


def _wrong_clusters() -> list[str]:
    wrong = []
    with copy_with_secrets() as deploy:
        for overlay in (*OVERLAYS, EVERYTHING):
            try:
                text = rendered(deploy / "k8s/overlays" / overlay)
            except NotRendered as error:
                wrong.append(str(error))
                continue
            manifests = deploy / f"{overlay}.yaml"
            manifests.write_text(text, "utf-8")
            validator = [BIN / "kubernetes-validate", "--quiet", "--strict", "-k", OLDEST_KUBERNETES]
            wrong += _run([*validator, manifests])
            parts = parts_of(text)
            wrong += [f"{overlay}: {line}" for check in OF_A_CLUSTER for line in check(parts)]
        wrong += unargued_findings([*sorted(deploy.glob("*.yaml")), deploy / "Dockerfile"])
    return wrong


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
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ESCOLTA_")}
    refused = _run([*COMPOSE, "--env-file", os.devnull, "config", "--quiet"], bare)
    return [] if refused else ["docker-compose.yml: it can be started without secrets of its own"]


def _plain_addresses() -> list[str]:
    """Nothing that is deployed speaks with a server otherwise than over TLS whose certificate it checks."""
    over_tls = re.compile(
        r"(amqps|mqtts|https)://.*@|s3://.*@.*\?secure=true|postgresql://.*@.*\?sslmode=verify-full"
    )
    return [
        f"{path.name}: {line.strip()} is no address over TLS"
        for path in (ROOT / "docker-compose.yml", ROOT / "deploy/given.py")
        for line in path.read_text().splitlines()
        if re.search(r"://.*@", line) and not over_tls.search(line)
    ]


if __name__ == "__main__":
    main()
