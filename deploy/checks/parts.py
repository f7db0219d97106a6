"""The objects that are sent to a cluster, and what is asked of them again and again."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Part = dict[str, Any]
"""An object as its manifest says it."""
NAME = "app.kubernetes.io/name"
STAYING = ("Deployment", "StatefulSet")
ENDING = ("Job", "CronJob")


class Pod(NamedTuple):
    """The template of a pod. `owner`: what starts it, in words; `replicas`: how many of them at a time."""

    owner: str
    part: Part
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    replicas: int

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """Those that prepare, too."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def of_kind(parts: Iterable[Part], *kinds: str) -> list[Part]:
    """The objects of these kinds."""
    return [part for part in parts if part["kind"] in kinds]


def named(part: Part) -> str:
    """An object in words."""
    return f"{part['kind']} {part['metadata']['name']}"


def pods(parts: Iterable[Part], *kinds: str) -> Iterator[Pod]:
    """The pods that these objects start."""
    for part in of_kind(parts, *(kinds or (*STAYING, *ENDING))):
        spec = part["spec"]
        if part["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        template = spec["template"]
        labels = template["metadata"].get("labels", {})
        yield Pod(named(part), part, labels, template["spec"], part["spec"].get("replicas", 1))


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels means a pod; an empty one means every pod."""
    selector = selector or {}
    if "matchLabels" not in selector and "matchExpressions" not in selector and selector:
        selector = {"matchLabels": selector}  # a Service's
    wanted = selector.get("matchLabels", {}).items()
    return all(labels.get(key) == value for key, value in wanted) and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )
