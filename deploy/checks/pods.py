"""What a cluster would refuse of a pod, or would do to it later: Pod Security, probes, the end."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.parts import Part, Pod, of_kind, pods

RESTRICTED = "pod-security.kubernetes.io/enforce"
DRAIN_S = 20
"""How long a stop waits for open requests, and again for handlers (ESCOLTA_DRAIN_S, escolta/settings.py)."""
CATALOG_S = 3
"""How long /readyz waits for the catalog (escolta/app.py)."""
MODEL_S = 120
"""A start may take that long before anybody answers: a wait for the catalog's server, and a model."""


def wrong_pods(parts: Sequence[Part]) -> list[str]:
    """Of every pod that we start, and of the namespace that they are in."""
    wrong = [
        f"Namespace {part['metadata']['name']} does not hold its pods to the profile `restricted`"
        for part in of_kind(parts, "Namespace")
        if part["metadata"].get("labels", {}).get(RESTRICTED) != "restricted"
    ]
    for pod in pods(parts):
        for look in (_insecure, _unbounded, _ending, _volumes):
            wrong += [f"{pod.owner}: {sentence}" for sentence in look(pod)]
    for pod in pods(parts, "Deployment", "StatefulSet"):
        wrong += [f"{pod.owner}: {sentence}" for sentence in _probes(pod)]
    return wrong


def _insecure(pod: Pod) -> Iterator[str]:
    """What Pod Security's profile `restricted` refuses, and what it forgets."""
    security = pod.spec.get("securityContext", {})
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield "it is given a token of the cluster's API"
    if any(pod.spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it shares what is the machine's"
    for container in pod.containers:
        own = {**security, **container.get("securityContext", {})}
        if own.get("runAsNonRoot") is not True or own.get("runAsUser") == 0:
            yield f"{container['name']} may run as root"
        if own.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{container['name']} has no seccomp profile"
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"{container['name']} may gain privileges"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or "add" in own.get("capabilities", {}):
            yield f"{container['name']} keeps capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} may write to its own image"


def _unbounded(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= set(resources.get("requests", {})):
            yield f"{container['name']} does not say what it needs: its machine would be overfilled"
        if "memory" not in resources.get("limits", {}):
            yield f"{container['name']} may take all memory of its machine"
        image = container["image"]
        if not re.search(r":[^/:]*\d[^/:]*$|@sha256:", image):
            yield f"{container['name']} starts {image}, which is another one tomorrow"


def _volumes(pod: Pod) -> Iterator[str]:
    """A claim of a pod with a group wants `OnRootMismatch`; a mount wants a volume."""
    claims = pod.part["spec"].get("volumeClaimTemplates", [])
    volumes = pod.spec.get("volumes", [])
    names = {volume["name"] for volume in volumes} | {claim["metadata"]["name"] for claim in claims}
    for container in pod.containers:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in names:
                yield f"{container['name']} mounts {mount['name']}, which is no volume of the pod"
    keeps = bool(claims) or any("persistentVolumeClaim" in volume for volume in volumes)
    security = pod.spec.get("securityContext", {})
    if keeps and security.get("fsGroupChangePolicy") != "OnRootMismatch":
        yield (
            "each start changes the group of all its files: set fsGroupChangePolicy to OnRootMismatch"
            " (RabbitMQ refuses a cookie that its group may read)"
        )


def _probes(pod: Pod) -> Iterator[str]:
    """Liveness, readiness and startup of whatever listens, which outlast what they ask."""
    for container in pod.spec["containers"]:
        if not container.get("ports"):
            continue
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            if kind not in container:
                yield f"{container['name']} has no {kind}"
            else:
                yield from _hasty(container["name"], kind, container[kind])
        start = container.get("startupProbe", {})
        if _lasts_s(start) < MODEL_S:
            yield f"{container['name']} is given {_lasts_s(start)} s to start: {MODEL_S} s at least"
        if _lasts_s(container.get("livenessProbe", {})) < MODEL_S:
            yield f"{container['name']} is killed when it answers nobody for less than {MODEL_S} s"


def _hasty(name: str, kind: str, probe: Mapping[str, Any]) -> Iterator[str]:
    takes_s = CATALOG_S if "/readyz" in str(probe) else 1
    if "exec" in probe:
        takes_s = 9  # it starts a program, Erlang for RabbitMQ
    timeout_s = probe.get("timeoutSeconds", 1)
    if timeout_s <= takes_s:
        yield f"the {kind} of {name} waits {timeout_s} s for what takes up to {takes_s} s"
    if timeout_s > probe.get("periodSeconds", 10):
        yield f"the {kind} of {name} asks again before it has waited"


def _lasts_s(probe: Mapping[str, Any]) -> int:
    return probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)


def _ending(pod: Pod) -> Iterator[str]:
    """A service is given the time that its stop takes."""
    [container, *_] = pod.spec["containers"]
    if pod.part["metadata"].get("labels", {}).get("app.kubernetes.io/component") != "service":
        return
    environment = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    leaves_s = float(environment.get("ESCOLTA_LEAVE_S") or 0)
    if not leaves_s:
        yield "it ends while the entrance still sends people there: give it an ESCOLTA_LEAVE_S"
    given_s = pod.spec.get("terminationGracePeriodSeconds", 30)
    if given_s <= leaves_s + 2 * DRAIN_S:
        yield f"it is killed after {given_s} s: a stop takes {leaves_s:.0f} + 2 * {DRAIN_S} s"
