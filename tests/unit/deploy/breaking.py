"""Finding an object, and breaking it."""

from typing import Any

from checks.parts import Part


def of(parts: list[Part], kind: str, name: str) -> Part:
    """The object of this kind and name."""
    [found] = (part for part in parts if (part["kind"], part["metadata"]["name"]) == (kind, name))
    return found


def container(parts: list[Part], kind: str, name: str) -> dict[str, Any]:
    """The only container of what this object starts."""
    spec = of(parts, kind, name)["spec"]
    [found] = (spec.get("jobTemplate", {}).get("spec") or spec)["template"]["spec"]["containers"]
    return found


def pod(parts: list[Part], kind: str, name: str) -> dict[str, Any]:
    """The pod that this object starts."""
    spec = of(parts, kind, name)["spec"]
    return (spec.get("jobTemplate", {}).get("spec") or spec)["template"]["spec"]
