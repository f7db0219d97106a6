"""Debian's Prometheus, Alertmanager and node_exporter, with the files of deploy/monitoring.

Other addresses, and shorter times: a test does not wait for a quarter of an hour. What is replaced has to be
there, or the test tests something else.
"""

import runpy
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from servers.deployed import ROOT
from servers.install import found_or_installed, missing
from servers.plain import NO_TLS
from servers.process import ServerProcess, free_ports

FILES = ROOT / "deploy/monitoring"
SOONER: dict[str, dict[str, str]] = {
    "ServiceAway": {},
    "DiskAlmostFull": {},
    "IterationFailed": {},
    "NodeSilent": {"> 900": "> 75"},  # a node speaks every minute
}
"""These alerts fire after a second, and what else is shorter in their expression."""


@dataclass(frozen=True)
class Monitoring:
    """Prometheus and Alertmanager at work."""

    prometheus: str
    alertmanager: str

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers now: `metric` and `value` of each sample."""
        async with httpx.AsyncClient(
            base_url=self.prometheus, trust_env=False, timeout=120, verify=NO_TLS
        ) as client:
            answer = await client.get("/api/v1/query", params={"query": query})
        return list(answer.raise_for_status().json()["data"]["result"])


@dataclass(frozen=True)
class Ports:
    """On 127.0.0.1."""

    prometheus: int
    alertmanager: int
    disks: int


@asynccontextmanager
async def monitoring(
    folder: Path, services: Mapping[str, str], token: str, webhook: str, volumes: Path
) -> AsyncIterator[Monitoring]:
    """They ask `services` (host and port of each) and tell `webhook`; disks are mounted in `volumes`."""
    ports = Ports(*free_ports(3))
    _write_files(folder, ports, services, token, webhook)
    (folder / "alerts.yml").write_text(sooner(volumes))
    started = [
        ServerProcess([_program(name), *arguments], folder=folder, environment={})
        for name, arguments in _arguments(folder, ports).items()
    ]
    found = Monitoring(f"http://127.0.0.1:{ports.prometheus}", f"http://127.0.0.1:{ports.alertmanager}")
    try:
        for process, url in zip(started, (found.prometheus, found.alertmanager), strict=False):
            await process.until(partial(_ready, url))
        yield found
    finally:
        for process in started:
            await process.stop()


def _write_files(folder: Path, ports: Ports, services: Mapping[str, str], token: str, webhook: str) -> None:
    found = "dns_sd_configs: [{{names: [{}], type: A, port: 8000}}]"
    given = "static_configs: [{{targets: ['{}']}}]"
    asked = {found.format(name): given.format(address) for name, address in services.items()}
    asked |= {
        "alertmanager:9093": f"127.0.0.1:{ports.alertmanager}",
        "disks:9100": f"127.0.0.1:{ports.disks}",
        "/run/secrets/escolta_metrics_token": str(folder / "token"),
        "scrape_interval: 15s": "scrape_interval: 1s",
        "evaluation_interval: 15s": "evaluation_interval: 1s",
    }
    quick = dict.fromkeys(("group_wait: 30s", "group_wait: 10s"), "group_wait: 1s")
    quick["group_interval: 5m"] = "group_interval: 1s"
    told = runpy.run_path(str(FILES / "receivers.py"))["with_receivers"]
    folder.mkdir(parents=True)
    (folder / "token").write_text(token)
    (folder / "prometheus.yml").write_text(_replaced("prometheus.yml", asked))
    (folder / "alertmanager.yml").write_text(
        told(_replaced("alertmanager.yml", quick), {"ESCOLTA_ALERTS_WEBHOOK": webhook})
    )


def _arguments(folder: Path, ports: Ports) -> dict[str, list[str]]:
    """Of each program; what else they are started with are paths and ports, too."""
    return {
        "prometheus": [
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
        ],
        "prometheus-alertmanager": [
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            "--cluster.listen-address=",
        ],
        "prometheus-node-exporter": [
            f"--web.listen-address=127.0.0.1:{ports.disks}",
            "--collector.disable-defaults",
            "--collector.filesystem",
        ],
    }


def sooner(volumes: Path) -> str:
    """alerts.yml with what cannot be waited for made short."""
    document = yaml.safe_load((FILES / "alerts.yml").read_text("utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    assert {rule.get("alert") for rule in rules} >= set(SOONER)
    for rule in rules:
        if (shorter := SOONER.get(rule.get("alert", ""))) is not None:
            rule["for"] = "1s"
            assert all(old in rule["expr"] for old in shorter)
            for old, new in shorter.items():
                rule["expr"] = rule["expr"].replace(old, new)
        rule["expr"] = rule["expr"].replace("/volumes/", f"{volumes}/")
    return yaml.safe_dump(document)


def _replaced(name: str, places: Mapping[str, str]) -> str:
    text = (FILES / name).read_text("utf-8")
    for old, new in places.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    return text


def _program(name: str) -> str:
    """Debian calls package and program alike."""
    return found_or_installed(partial(shutil.which, name), name) or missing(f"{name} is absent: install it")


async def _ready(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            return (await client.get(f"{url}/-/ready")).status_code == 200
    except httpx.TransportError:
        return False
