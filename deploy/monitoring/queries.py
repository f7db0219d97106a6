"""Which metrics a query asks for, and which there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OF_A_CLUSTER = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
OF_OTHERS = OF_A_CLUSTER | {"up", "ALERTS", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
"""What is asked for and no service tells: the kubelet, Prometheus itself, node_exporter. tests/monitored asks
for all but a cluster's."""
_KEYWORDS = {"and", "or", "unless", "bool", "offset"}
_LABELS = r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"


def metrics_in(query: str) -> set[str]:
    """The names of metrics in a query of Prometheus'."""
    query = re.sub(r'"(\\.|[^"\\])*"', "", query)
    query = re.sub(r"\{[^}]*\}|\[[^\]]*\]|" + _LABELS, " ", query)
    names = re.findall(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", query)
    return set(names) - _KEYWORDS


def metrics_told(exposition: str) -> set[str]:
    """The names of the samples that an exposition of `# TYPE` lines tells of."""
    told = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", exposition, re.MULTILINE):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        told |= {name + part for part in parts}
    return told


def queries_of(dashboard: Any) -> Iterator[str]:
    """Every query of a dashboard, at whatever depth, as Prometheus reads it."""
    if isinstance(dashboard, dict):
        if isinstance(query := dashboard.get("expr"), str):
            yield filled_in(query)
        for part in dashboard.values():
            yield from queries_of(part)
    elif isinstance(dashboard, list):
        for part in dashboard:
            yield from queries_of(part)


def filled_in(query: str) -> str:
    """A query with what Grafana puts in place of its variables."""
    query = query.replace("$__rate_interval", "5m").replace("$__range", "1h")
    return re.sub(r"\$\w+", ".*", query)


def dashboards() -> Iterator[tuple[str, Any]]:
    """File name and content of each dashboard."""
    for path in sorted((ROOT / "deploy/monitoring/grafana/dashboards").glob("*.json")):
        yield path.name, json.loads(path.read_text("utf-8"))
