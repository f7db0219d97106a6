"""What an object names is there: ConfigMaps and Secrets with their keys, claims, and a Service's pods."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.parts import Part, Pod, named, of_kind, pods, selects

BY_OPERATORS = {"rabbitmq": "RabbitmqCluster", "postgres": "Cluster"}
"""Whose pods another's operator starts, with the label `app.kubernetes.io/name` that is ours."""
ALONE = ("ReadWriteOnce", "ReadWriteOncePod")


def wrong_references(parts: Sequence[Part]) -> list[str]:
    """Names of what is not there."""
    kept = {
        (part["kind"], part["metadata"]["name"]): set(part.get("data", {}) | part.get("stringData", {}))
        for part in of_kind(parts, "ConfigMap", "Secret")
    }
    claims = {part["metadata"]["name"]: part for part in of_kind(parts, "PersistentVolumeClaim")}
    wrong = []
    for pod in pods(parts):
        for kind, name, key in _values_of(pod):
            if (kind, name) not in kept:
                wrong.append(f"{pod.owner} names the {kind} {name}, which is not there")
            elif key and key not in kept[kind, name]:
                wrong.append(f"{pod.owner} names {key} of the {kind} {name}, which has no such key")
        wrong += [f"{pod.owner} {sentence}" for sentence in _wrong_claims(pod, claims)]
    return wrong + _wrong_services(parts) + _wrong_backends(parts)


def _values_of(pod: Pod) -> Iterator[tuple[str, str, str]]:
    """Each ConfigMap and Secret, with the key where one is named."""
    for container in pod.containers:
        for source in container.get("envFrom", []):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field in source:
                    yield kind, source[field]["name"], ""
        for variable in container.get("env", []):
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if reference := variable.get("valueFrom", {}).get(field):
                    yield kind, reference["name"], "" if reference.get("optional") else reference["key"]
        yield from _of_sub_paths(pod, container)
    for volume in pod.spec.get("volumes", []):
        for kind, name, items in _of_a_volume(volume):
            yield kind, name, ""
            yield from ((kind, name, item["key"]) for item in items)


def _of_a_volume(volume: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Mapping[str, Any]]]]:
    if "configMap" in volume:
        yield "ConfigMap", volume["configMap"]["name"], volume["configMap"].get("items", [])
    if "secret" in volume:
        yield "Secret", volume["secret"]["secretName"], volume["secret"].get("items", [])


def _of_sub_paths(pod: Pod, container: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """A file that is mounted alone is a key; of one that is not there a folder would be made."""
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        if "subPath" in mount:
            for kind, name, _ in _of_a_volume(volumes.get(mount["name"], {})):
                yield kind, name, mount["subPath"]


def _wrong_claims(pod: Pod, claims: Mapping[str, Part]) -> Iterator[str]:
    for volume in pod.spec.get("volumes", []):
        name = volume.get("persistentVolumeClaim", {}).get("claimName")
        if name and name not in claims:
            yield f"names the claim {name}, which is not there"
        elif name and pod.part["kind"] == "Deployment":
            alone = claims[name]["spec"]["accessModes"][0] in ALONE
            if alone and pod.part["spec"].get("strategy", {}).get("type") != "Recreate":
                yield f"holds {name}, as one machine alone may: its update waits for ever, unless Recreate"


def _wrong_services(parts: Sequence[Part]) -> list[str]:
    """A Service leads to a pod, and to a port that this one has."""
    wrong, all_pods = [], list(pods(parts))
    for service in of_kind(parts, "Service"):
        selector = service["spec"].get("selector", {})
        of_operator = BY_OPERATORS.get(selector.get("app.kubernetes.io/name", ""))
        if of_kind(parts, of_operator or ""):
            continue
        meant = [pod for pod in all_pods if selector and selects(selector, pod.labels)]
        if not meant:
            wrong.append(f"{named(service)} leads to no pod")
        for pod in meant:
            opened = {
                value
                for container in pod.spec["containers"]
                for port in container.get("ports", [])
                for value in (port.get("name"), port["containerPort"])
            }
            wrong += [
                f"{named(service)} leads to the port {port['targetPort']}, which {pod.owner} does not open"
                for port in service["spec"]["ports"]
                if port.get("targetPort", port["port"]) not in opened
            ]
    return wrong


def _wrong_backends(parts: Sequence[Part]) -> list[str]:
    """The Ingress hands over to a Service and a port that are there, with a certificate that is."""
    services = {
        part["metadata"]["name"]: {port.get("name") for port in part["spec"]["ports"]}
        for part in of_kind(parts, "Service")
    }
    secrets = {part["metadata"]["name"] for part in of_kind(parts, "Secret")}
    wrong = []
    for ingress in of_kind(parts, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                if service["port"].get("name") not in services.get(service["name"], ()):
                    wrong.append(f"{named(ingress)} hands {path['path']} to {service['name']}, which is none")
        for tls in ingress["spec"].get("tls", []):
            if tls["secretName"] not in secrets:
                wrong.append(f"{named(ingress)} shows {tls['secretName']}, which is not there")
            if set(tls["hosts"]) != {rule["host"] for rule in ingress["spec"]["rules"]}:
                wrong.append(f"{named(ingress)} shows a certificate for other hosts than its own")
    return wrong
