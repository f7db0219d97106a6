"""PostgreSQL has room for whoever may come: each service at its most, and one more in an update."""

import re
from collections.abc import Iterator, Sequence

from checks.parts import Part, of_kind

POOL = 8
"""Connections of one process, at most (`open_catalog`, escolta/catalog/)."""
BESIDE = {
    **{"operator": POOL, "forget": POOL, "retain": 2, "migrate": 3},
    **{"backup": 4, "backup-log": 3, "drill": 2},
}
RESERVED = 3
"""For superusers (superuser_reserved_connections)."""
USUAL = 100
"""max_connections, where nobody has set it."""


def too_many_connections(parts: Sequence[Part]) -> list[str]:
    """Where all of them do not fit."""
    needed = sum(_needed(parts)) + sum(BESIDE.values())
    there = _there(parts)
    if needed <= there:
        return []
    return [f"PostgreSQL has room for {there} connections, and {needed} may be wanted: raise max_connections"]


def _needed(parts: Sequence[Part]) -> Iterator[int]:
    most = {
        part["spec"]["scaleTargetRef"]["name"]: part["spec"]["maxReplicaCount"]
        for part in of_kind(parts, "ScaledObject")
    }
    for deployment in of_kind(parts, "Deployment"):
        if deployment["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "service":
            replicas = most.get(deployment["metadata"]["name"]) or deployment["spec"].get("replicas", 1)
            surge = deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxSurge", 0)
            yield POOL * (replicas + surge)


def _there(parts: Sequence[Part]) -> int:
    for cluster in of_kind(parts, "Cluster"):
        parameters = cluster["spec"]["postgresql"]["parameters"]
        return int(parameters["max_connections"]) - RESERVED
    for stateful in of_kind(parts, "StatefulSet"):
        found = re.search(r"max_connections=(\d+)", str(stateful["spec"]["template"]["spec"]))
        if stateful["metadata"]["name"] == "postgres" and found:
            return int(found[1]) - RESERVED
    return USUAL - RESERVED
