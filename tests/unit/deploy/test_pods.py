"""A pod that a cluster refuses, or kills, is found before it is sent."""

from collections.abc import Callable

import pytest

from checks import pods
from checks.parts import Part
from checks.pods import wrong_pods
from escolta import app
from escolta.settings import Settings

from .breaking import container, of, pod

Break = Callable[[list[Part]], object]
BROKEN: dict[str, tuple[Break, str]] = {
    "a namespace that lets anything run": (
        lambda parts: of(parts, "Namespace", "escolta")["metadata"].pop("labels"),
        "Namespace escolta does not hold its pods to the profile `restricted`",
    ),
    "root": (
        lambda parts: pod(parts, "Deployment", "ingest")["securityContext"].pop("runAsNonRoot"),
        "Deployment ingest: ingest may run as root",
    ),
    "no seccomp": (
        lambda parts: pod(parts, "StatefulSet", "postgres")["securityContext"].pop("seccompProfile"),
        "StatefulSet postgres: postgres has no seccomp profile",
    ),
    "privileges": (
        lambda parts: container(parts, "CronJob", "backup")["securityContext"].update(
            allowPrivilegeEscalation=True
        ),
        "CronJob backup: backup may gain privileges",
    ),
    "a capability": (
        lambda parts: container(parts, "Deployment", "ingest")["securityContext"]["capabilities"].update(
            add=["CHOWN"]
        ),
        "Deployment ingest: ingest keeps capabilities",
    ),
    "an image that it may change": (
        lambda parts: container(parts, "StatefulSet", "rabbitmq")["securityContext"].update(
            readOnlyRootFilesystem=False
        ),
        "StatefulSet rabbitmq: rabbitmq may write to its own image",
    ),
    "the cluster's API": (
        lambda parts: pod(parts, "Job", "migrate-0-1-0").pop("automountServiceAccountToken"),
        "Job migrate-0-1-0: it is given a token of the cluster's API",
    ),
    "the machine's network": (
        lambda parts: pod(parts, "Deployment", "node-agent").update(hostNetwork=True),
        "Deployment node-agent: it shares what is the machine's",
    ),
    "no word of what it needs": (
        lambda parts: container(parts, "Deployment", "embedder")["resources"].pop("requests"),
        "Deployment embedder: embedder does not say what it needs: its machine would be overfilled",
    ),
    "all the memory there is": (
        lambda parts: container(parts, "Deployment", "embedder")["resources"].pop("limits"),
        "Deployment embedder: embedder may take all memory of its machine",
    ),
    "the latest image": (
        lambda parts: container(parts, "StatefulSet", "seaweedfs").update(image="chrislusf/seaweedfs:latest"),
        "StatefulSet seaweedfs: seaweedfs starts chrislusf/seaweedfs:latest, which is another one tomorrow",
    ),
    "a cookie that its group may read": (
        lambda parts: pod(parts, "StatefulSet", "rabbitmq")["securityContext"].pop("fsGroupChangePolicy"),
        "StatefulSet rabbitmq: each start changes the group of all its files",
    ),
    "a mount of nothing": (
        lambda parts: pod(parts, "Deployment", "ingest")["volumes"].pop(),
        "Deployment ingest: ingest mounts tmp, which is no volume of the pod",
    ),
    "no readiness": (
        lambda parts: container(parts, "Deployment", "label-gateway").pop("readinessProbe"),
        "Deployment label-gateway: label-gateway has no readinessProbe",
    ),
    "a probe that is shorter than what it asks": (
        lambda parts: container(parts, "Deployment", "ingest")["readinessProbe"].pop("timeoutSeconds"),
        "Deployment ingest: the readinessProbe of ingest waits 1 s for what takes up to 3 s",
    ),
    "a probe of Erlang in a second": (
        lambda parts: container(parts, "StatefulSet", "rabbitmq")["livenessProbe"].update(timeoutSeconds=1),
        "StatefulSet rabbitmq: the livenessProbe of rabbitmq waits 1 s for what takes up to 9 s",
    ),
    "a probe that does not wait for its answer": (
        lambda parts: container(parts, "Deployment", "ingest")["readinessProbe"].update(periodSeconds=4),
        "Deployment ingest: the readinessProbe of ingest asks again before it has waited",
    ),
    "a start that is too slow": (
        lambda parts: container(parts, "Deployment", "embedder")["startupProbe"].update(failureThreshold=3),
        "Deployment embedder: embedder is given 15 s to start: 120 s at least",
    ),
    "a model that is loaded while nobody answers": (
        lambda parts: container(parts, "Deployment", "embedder")["livenessProbe"].update(failureThreshold=3),
        "Deployment embedder: embedder is killed when it answers nobody for less than 120 s",
    ),
    "an end that comes too soon": (
        lambda parts: pod(parts, "Deployment", "ingest").update(terminationGracePeriodSeconds=28),
        "Deployment ingest: it is killed after 28 s: a stop takes 5 + 2 * 20 s",
    ),
    "an end while people are sent there": (
        lambda parts: container(parts, "Deployment", "al-engine").pop("env"),
        "Deployment al-engine: it ends while the entrance still sends people there",
    ),
}


def test_every_pod_is_as_a_cluster_wants_it(single_node: list[Part]):
    assert wrong_pods(single_node) == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_pod_is_refused_with(what: str, single_node: list[Part]):
    breaks, sentence = BROKEN[what]
    breaks(single_node)
    assert any(line.startswith(sentence) for line in wrong_pods(single_node)), wrong_pods(single_node)


def test_the_times_are_those_of_the_code():
    assert app.CATALOG_S == pods.CATALOG_S
    assert Settings.model_fields["drain_s"].default == pods.DRAIN_S
