"""Checks what is seen and told by Prometheus, Alertmanager and Grafana, without any of them running."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.programs import PACKAGES, program
from monitoring.queries import OF_OTHERS, ROOT, dashboards, metrics_in, metrics_told, queries_of
from monitoring.rule_for_clusters import differs

HERE = Path(__file__).parent


def wrong_monitoring() -> list[str]:
    """What is wrong with the files of this folder."""
    return [*_absent_programs(), *_refused(), *_unread_queries(), *_unknown_metrics(), *differs()]


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of alerts.yml."""
    for group in yaml.safe_load((HERE / "alerts.yml").read_text("utf-8"))["groups"]:
        yield from group["rules"]


def _absent_programs() -> list[str]:
    """Where Debian's packages cannot be had, that is said; continuous integration has to have them."""
    absent = [f"{name} is absent: apt install {PACKAGES[name]}" for name in PACKAGES if not program(name)]
    if os.environ.get("CI") == "true":
        return absent
    print(*(f"not checked: {line}" for line in absent), sep="\n", end="\n" * bool(absent))
    return []


def _refused() -> Iterator[str]:
    yield from _run("promtool", "check", "config", "--syntax-only", HERE / "prometheus.yml")
    yield from _run("promtool", "check", "rules", "--lint-fatal", HERE / "alerts.yml")
    yield from _run("promtool", "test", "rules", *sorted(HERE.glob("*_test.yml")))
    yield from _run("amtool", "check-config", HERE / "alertmanager.yml")


def _run(name: str, *arguments: str | Path) -> list[str]:
    if not (found := program(name)):
        return []
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"{name} {arguments[1]}: {done.stdout}{done.stderr}"]


def _unread_queries() -> list[str]:
    """Every query of a dashboard, as the rule that it could be."""
    found = [query for _, dashboard in dashboards() for query in queries_of(dashboard)]
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(found)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}, file)
        file.flush()
        return _run("promtool", "check", "rules", file.name)


def _unknown_metrics() -> Iterator[str]:
    """What is asked for is told by somebody: a misspelt name is an alert that never fires."""
    told = metrics_told((ROOT / "docs/metrics.prom").read_text("utf-8")) | OF_OTHERS
    told |= {rule["record"] for rule in rules() if "record" in rule}
    asked = [("alerts.yml", rule["expr"]) for rule in rules()]
    asked += [(name, query) for name, dashboard in dashboards() for query in queries_of(dashboard)]
    for where, query in asked:
        for name in sorted(metrics_in(query) - told):
            yield f"deploy/monitoring/{where}: nothing tells of {name}"
