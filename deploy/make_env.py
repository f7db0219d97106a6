"""What a deployment needs before its first start, made with nothing but Python: for Docker Compose `.env` and
the secrets of each part as files; with --k8s the files of Kustomize's Secrets (docs/deploy.md).

A secret that is there already stays as it is; those that a new version wants besides are added.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from operators_env import files_of_operators

from given import accounts_of_store, files_of_servers, settings_of_node, settings_of_parts
from monitoring.receivers import with_receivers
from passwords import FILE, SERVICES, kept, read_lines, write, write_lines

ROOT = Path(__file__).parents[1]
NODE = "quay-1"
"""The node of a cluster's own node-agent."""
NAME = re.compile(r"[a-z0-9-]{1,63}")


def main() -> None:
    """Make what is missing."""
    if "--k8s" in sys.argv:
        for_kubernetes(ROOT / "deploy/k8s/own")
    else:
        for_compose(ROOT)


def for_compose(root: Path) -> None:
    """`.env`, and in the folder that it names a folder of secrets for each part."""
    chosen = _chosen(root)
    folder = root / chosen["ESCOLTA_SECRETS"]
    nodes = _nodes(chosen["ESCOLTA_NODES"], chosen["ESCOLTA_NODE_NAME"])
    for made in (folder, root / "deploy/tls"):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = kept(folder / FILE, nodes)
    playing = settings_of_node(chosen["ESCOLTA_NODE_NAME"], secret, "rabbitmq:8883")
    given = {
        **settings_of_parts(secret, nodes),
        "node-agent": playing | {"ESCOLTA_METRICS_TOKEN": secret["ESCOLTA_METRICS_TOKEN"]},
        **files_of_servers(secret),
        "alertmanager": {"alertmanager.yml": _alertmanager(root, chosen)},
    }
    for part, files in given.items():
        _give(folder / part, files)
    broker = f"{chosen['ESCOLTA_HOST'] or 'localhost'}:{chosen['ESCOLTA_MQTT_PORT']}"
    (folder / "nodes").mkdir(mode=0o700, exist_ok=True)
    for node in nodes:
        write_lines(folder / "nodes" / f"{node}.env", settings_of_node(node, secret, broker))


def _chosen(root: Path) -> dict[str, str]:
    """What `.env` says; it gets the lines that it lacks."""
    file, example = root / ".env", root / "deploy/env.example"
    if not file.exists():
        write(file, example.read_text("utf-8"))
        print(f"{file}: what can be chosen, with comments")
    chosen = {name: value.strip().strip("'\"") for name, value in read_lines(file).items()}
    known = read_lines(example)
    missing = {name: value for name, value in known.items() if name not in chosen}
    if missing:
        with file.open("a", encoding="utf-8") as opened:
            opened.writelines(f"{name}={value}\n" for name, value in missing.items())
        print(f"{file}: {', '.join(missing)} added; {example} explains them")
    return chosen | missing


def _nodes(listed: str, playing: str) -> list[str]:
    nodes = [name.strip() for name in listed.split(",") if name.strip()]
    for name in nodes:
        if not NAME.fullmatch(name):
            sys.exit(f".env: {name!r} in ESCOLTA_NODES is no node's name: write at most 63 of a-z, 0-9 and -")
    if playing not in nodes:
        sys.exit(f".env: ESCOLTA_NODE_NAME is {playing!r}: name one of ESCOLTA_NODES")
    return nodes


def _alertmanager(root: Path, chosen: Mapping[str, str]) -> str:
    text = (root / "deploy/monitoring/alertmanager.yml").read_text("utf-8")
    try:
        return with_receivers(text, chosen)
    except ValueError as error:
        sys.exit(f".env: {error}")


def _give(folder: Path, files: Mapping[str, str]) -> None:
    """Open to a container's own user, who is another; the folder above is closed to everybody here."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name, text in files.items():
        write(folder / name, text, mode=0o644)


def for_kubernetes(folder: Path) -> None:
    """The files that kustomization.yaml makes Secrets of."""
    secret = kept(folder / FILE, [NODE])
    write(folder / "s3.json", accounts_of_store(secret))
    parts = settings_of_parts(secret, [NODE])
    trust = dict.fromkeys(("SSL_CERT_FILE", "PGSSLROOTCERT"), "/etc/escolta/ca.crt")
    shared = {name: parts["ingest"][name] for name in ("ESCOLTA_SECRET", "ESCOLTA_METRICS_TOKEN")}
    metrics = {"ESCOLTA_METRICS_TOKEN": secret["ESCOLTA_METRICS_TOKEN"]}
    for name, values in {
        "urls": shared | trust,
        **{name: parts[name] | trust for name in ("migrate", "backup", "store")},
        "accounts": parts["accounts"] | {"ESCOLTA_BUS_URL": parts["operator"]["ESCOLTA_BUS_URL"]} | trust,
        "node": settings_of_node(NODE, secret, "rabbitmq:8883") | metrics | trust,
        **{service: _own(parts[service], shared) for service in SERVICES},
    }.items():
        write_lines(folder / f"{name}.env", values)
    for file, text in files_of_operators(folder, secret).items():
        write(file, text)


def _own(settings: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in shared}


if __name__ == "__main__":
    main()
