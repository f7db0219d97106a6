"""Updates, machines that are emptied, and numbers of replicas."""

from collections.abc import Iterator, Sequence
from typing import Any

from checks.parts import Part, named, of_kind, pods, selects

STAYS = 2
"""From this many replicas on somebody counts on one that stays."""


def wrong_availability(parts: Sequence[Part]) -> list[str]:
    """What would stand still, or never end."""
    wrong = list(_budgets(parts)) + list(_scaled_twice(parts))
    for deployment in of_kind(parts, "Deployment"):
        wrong += [f"{named(deployment)}: {sentence}" for sentence in _update(deployment)]
    for stateful in of_kind(parts, "StatefulSet"):
        names = {part["metadata"]["name"] for part in of_kind(parts, "Service")}
        if stateful["spec"]["serviceName"] not in names:
            wrong.append(f"{named(stateful)} has no Service {stateful['spec']['serviceName']}")
    return wrong


def _update(deployment: Part) -> Iterator[str]:
    spec = deployment["spec"]
    labels = spec["template"]["metadata"].get("labels", {})
    if not selects(spec["selector"], labels):
        yield "its selector does not mean its own pods"
    strategy, container = spec.get("strategy", {}), spec["template"]["spec"]["containers"][0]
    rolling = strategy.get("rollingUpdate", {})
    has_gpu = any("gpu" in name for name in container.get("resources", {}).get("limits", {}))
    if has_gpu and strategy.get("type") != "Recreate" and rolling.get("maxSurge") != 0:
        yield "an update wants a second GPU before the first is free: Recreate, or maxSurge 0"
    if strategy.get("type") == "Recreate" or has_gpu:
        return
    if rolling.get("maxUnavailable") != 0 or not rolling.get("maxSurge"):
        yield "an update leaves people without an answer: maxUnavailable 0 and maxSurge 1"
    spreads = spec["template"]["spec"].get("topologySpreadConstraints", [])
    if spec.get("replicas", 1) >= STAYS and not spreads:
        yield "all of its replicas may be on one machine: spread them"
    for spread in spreads:
        keys = spread.get("matchLabelKeys", [])
        if not spread.get("labelSelector") or not selects(spread["labelSelector"], labels):
            yield "it is spread among pods that are not its own"
        if missing := [key for key in keys if key not in labels and key != "pod-template-hash"]:
            yield f"it is spread by {missing[0]}, which it does not have"


def _budgets(parts: Sequence[Part]) -> Iterator[str]:
    """A budget means pods, lets one of them leave, and each pod is in one at most."""
    budgets = of_kind(parts, "PodDisruptionBudget")
    ours = list(pods(parts, "Deployment", "StatefulSet"))
    for budget in budgets:
        meant = [pod for pod in ours if selects(budget["spec"]["selector"], pod.labels)]
        replicas = sum(pod.replicas for pod in meant) if meant else _of_operators(parts, budget)
        if not replicas:
            yield f"{named(budget)} means no pod"
        elif not _may_leave(budget["spec"], replicas):
            yield f"{named(budget)} never lets a machine be emptied"
    for pod in ours:
        names = [each for each in budgets if selects(each["spec"]["selector"], pod.labels)]
        if len(names) > 1:
            yield f"{pod.owner} is in {len(names)} budgets: with two a cluster evicts nothing"
        if pod.replicas >= STAYS and not names:
            yield f"{pod.owner} has {pod.replicas} replicas and no budget: all of them may be taken at a time"


def _of_operators(parts: Sequence[Part], budget: Part) -> int:
    name = budget["spec"]["selector"].get("matchLabels", {}).get("app.kubernetes.io/name")
    [*clusters] = (part for part in of_kind(parts, "RabbitmqCluster") if part["metadata"]["name"] == name)
    return sum(part["spec"]["replicas"] for part in clusters)


def _may_leave(spec: dict[str, Any], replicas: int) -> bool:
    if "maxUnavailable" in spec:
        return spec["maxUnavailable"] not in (0, "0%")
    least = spec.get("minAvailable", 0)
    if isinstance(least, str):
        return least != "100%" and replicas > 1
    return least < replicas


def _scaled_twice(parts: Sequence[Part]) -> Iterator[str]:
    scalers = of_kind(parts, "HorizontalPodAutoscaler", "ScaledObject")
    targets = [part["spec"]["scaleTargetRef"] for part in scalers]
    names = [(target.get("kind", "Deployment"), target["name"]) for target in targets]
    for kind, name in {each for each in names if names.count(each) > 1}:
        yield f"{kind} {name} is scaled by two at a time"
    there = {(part["kind"], part["metadata"]["name"]) for part in of_kind(parts, "Deployment", "StatefulSet")}
    yield from (f"{kind} {name} is to be scaled and is not there" for kind, name in set(names) - there)
