"""An update that nobody notices, a machine that can be emptied, and a catalog with room for everybody."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checks import connections
from checks.availability import wrong_availability
from checks.connections import too_many_connections
from checks.parts import Part

from .breaking import container, of, pod

Break = Callable[[list[Part]], object]
CATALOG = Path(__file__).parents[3] / "libs/common/escolta/catalog/__init__.py"


def _scaler(kind: str, name: str, target: str) -> Part:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "maxReplicaCount": 50}
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def _budget(**spec: object) -> Part:
    selector = {"matchLabels": {"app.kubernetes.io/name": "ingest"}}
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "second"},
        "spec": {"selector": selector, **spec},
    }


BROKEN: dict[str, tuple[Break, str]] = {
    "an update that leaves nobody": (
        lambda parts: of(parts, "Deployment", "ingest")["spec"]["strategy"]["rollingUpdate"].update(
            maxUnavailable=1
        ),
        "Deployment ingest: an update leaves people without an answer",
    ),
    "an update that wants two GPUs": (
        lambda parts: container(parts, "Deployment", "embedder")["resources"]["limits"].update(
            {"nvidia.com/gpu": 1}
        ),
        "Deployment embedder: an update wants a second GPU before the first is free",
    ),
    "a selector of others": (
        lambda parts: of(parts, "Deployment", "ingest")["spec"]["selector"]["matchLabels"].update(other="x"),
        "Deployment ingest: its selector does not mean its own pods",
    ),
    "replicas on one machine": (
        lambda parts: (
            of(parts, "Deployment", "al-engine")["spec"].update(replicas=2),
            pod(parts, "Deployment", "al-engine").pop("topologySpreadConstraints"),
        ),
        "Deployment al-engine: all of its replicas may be on one machine",
    ),
    "a spread among others": (
        lambda parts: pod(parts, "Deployment", "ingest")["topologySpreadConstraints"][0].pop("labelSelector"),
        "Deployment ingest: it is spread among pods that are not its own",
    ),
    "a spread by nothing": (
        lambda parts: pod(parts, "Deployment", "ingest")["topologySpreadConstraints"][0].update(
            matchLabelKeys=["zone"]
        ),
        "Deployment ingest: it is spread by zone, which it does not have",
    ),
    "a budget that never lets a machine be emptied": (
        lambda parts: of(parts, "PodDisruptionBudget", "ingest").update(_budget(minAvailable=1)),
        "PodDisruptionBudget second never lets a machine be emptied",
    ),
    "a budget of all": (
        lambda parts: of(parts, "PodDisruptionBudget", "ingest").update(_budget(minAvailable="100%")),
        "PodDisruptionBudget second never lets a machine be emptied",
    ),
    "two budgets": (
        lambda parts: parts.append(_budget(maxUnavailable=1)),
        "Deployment ingest is in 2 budgets",
    ),
    "a budget of nobody": (
        lambda parts: of(parts, "PodDisruptionBudget", "ingest")["spec"]["selector"]["matchLabels"].update(
            a="b"
        ),
        "PodDisruptionBudget ingest means no pod",
    ),
    "replicas without a budget": (
        lambda parts: of(parts, "StatefulSet", "seaweedfs")["spec"].update(replicas=3),
        "StatefulSet seaweedfs has 3 replicas and no budget",
    ),
    "a StatefulSet without its Service": (
        lambda parts: parts.remove(of(parts, "Service", "postgres")),
        "StatefulSet postgres has no Service postgres",
    ),
    "two who scale": (
        lambda parts: parts.extend(
            [
                _scaler("HorizontalPodAutoscaler", "one", "embedder"),
                _scaler("ScaledObject", "two", "embedder"),
            ]
        ),
        "Deployment embedder is scaled by two at a time",
    ),
    "something to scale that is not there": (
        lambda parts: parts.append(_scaler("ScaledObject", "one", "embeder")),
        "Deployment embeder is to be scaled and is not there",
    ),
}


def test_nothing_stands_still(single_node: list[Part]):
    assert wrong_availability(single_node) == []


@pytest.mark.parametrize("what", BROKEN)
def test_it_is_told_of(what: str, single_node: list[Part]):
    breaks, sentence = BROKEN[what]
    breaks(single_node)
    found = wrong_availability(single_node)
    assert any(line.startswith(sentence) for line in found), found


def test_the_catalog_has_room_for_everybody(single_node: list[Part]):
    assert too_many_connections(single_node) == []


def test_it_is_told_where_the_catalog_is_too_small_for_all_replicas(single_node: list[Part]):
    of(single_node, "Deployment", "embedder")["spec"]["replicas"] = 3
    [line] = too_many_connections(single_node)
    assert line.startswith("PostgreSQL has room for 97 connections, and ")


def test_replicas_count_that_an_autoscaler_may_start(single_node: list[Part]):
    single_node.append(_scaler("ScaledObject", "one", "embedder"))
    assert too_many_connections(single_node)


def test_the_servers_own_limit_is_heeded(single_node: list[Part]):
    of(single_node, "Deployment", "embedder")["spec"]["replicas"] = 3
    container(single_node, "StatefulSet", "postgres")["args"] += ["-c", "max_connections=200"]
    assert too_many_connections(single_node) == []


def test_a_process_has_as_many_connections_as_the_code_says():
    [most] = re.findall(r"connections: int = (\d+)", CATALOG.read_text("utf-8"))
    assert int(most) == connections.POOL
