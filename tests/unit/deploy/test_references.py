"""A name of what is not there is found before a pod waits for it."""

from collections.abc import Callable

import pytest

from checks.parts import Part
from checks.references import wrong_references
from escolta.settings import Settings

from .breaking import container, of, pod

Break = Callable[[list[Part]], object]


def _without(kind: str, name: str) -> Break:
    return lambda parts: parts.remove(
        next(part for part in parts if part["kind"] == kind and part["metadata"]["name"].startswith(name))
    )


BROKEN: dict[str, tuple[Break, str]] = {
    "a secret": (
        _without("Secret", "escolta-migrate"),
        "Job migrate-0-1-0 names the Secret escolta-migrate-",
    ),
    "settings": (
        _without("ConfigMap", "escolta-settings"),
        "Deployment ingest names the ConfigMap escolta-settings",
    ),
    "a key": (
        lambda parts: container(parts, "StatefulSet", "postgres")["env"][-1]["valueFrom"][
            "secretKeyRef"
        ].update(key="POSTGRES"),
        "StatefulSet postgres names POSTGRES of the Secret escolta-passwords-",
    ),
    "a file": (
        lambda parts: container(parts, "StatefulSet", "rabbitmq")["volumeMounts"][3].update(
            subPath="no.conf"
        ),
        "StatefulSet rabbitmq names no.conf of the ConfigMap rabbitmq-config-",
    ),
    "a claim": (
        _without("PersistentVolumeClaim", "backups"),
        "CronJob backup names the claim backups, which is not there",
    ),
    "a claim that an update waits for": (
        lambda parts: of(parts, "Deployment", "node-agent")["spec"].pop("strategy"),
        "Deployment node-agent holds node-agent-spool, as one machine alone may",
    ),
    "pods": (
        lambda parts: of(parts, "Service", "postgres")["spec"]["selector"].update({"app": "postgresql"}),
        "Service postgres leads to no pod",
    ),
    "a port": (
        lambda parts: of(parts, "Service", "ingest")["spec"]["ports"][0].update(targetPort=8080),
        "Service ingest leads to the port 8080, which Deployment ingest does not open",
    ),
    "a service behind the entrance": (
        _without("Service", "embedder"),
        "Ingress entrance hands /api/embedder to embedder, which is none",
    ),
    "a certificate": (
        lambda parts: of(parts, "Ingress", "entrance")["spec"]["tls"][0].update(secretName="other"),
        "Ingress entrance shows other, which is not there",
    ),
    "a host": (
        lambda parts: of(parts, "Ingress", "entrance")["spec"]["tls"][0].update(
            hosts=["elsewhere.example.org"]
        ),
        "Ingress entrance shows a certificate for other hosts than its own",
    ),
}


def test_whatever_is_named_is_there(single_node: list[Part]):
    assert wrong_references(single_node) == []


@pytest.mark.parametrize("what", BROKEN)
def test_it_is_told_where_there_is_no_such(what: str, single_node: list[Part]):
    breaks, sentence = BROKEN[what]
    breaks(single_node)
    found = wrong_references(single_node)
    assert any(line.startswith(sentence) for line in found), found


def test_the_certificate_and_the_page_have_the_host_of_the_settings(single_node: list[Part]):
    settings = next(part for part in single_node if part["metadata"]["name"].startswith("escolta-settings-"))
    host = settings["data"]["ESCOLTA_HOST"]
    assert of(single_node, "Ingress", "entrance")["spec"]["rules"][0]["host"] == host
    assert settings["data"]["ESCOLTA_PUBLIC_URL"] == f"https://{host}"
    assert settings["data"]["ESCOLTA_UPLOAD_URL"] == f"https://{host}:8333"
    assert settings["data"]["ESCOLTA_NODE_BUS_URL"] == f"mqtts://{host}:8883"


def test_a_pod_has_the_settings(single_node: list[Part]):
    assert [
        each for each in container(single_node, "Deployment", "embedder")["envFrom"] if "configMapRef" in each
    ]
    assert pod(single_node, "Deployment", "embedder")["automountServiceAccountToken"] is False


def test_what_can_be_chosen_is_a_setting(single_node: list[Part]):
    settings = next(part for part in single_node if part["metadata"]["name"].startswith("escolta-settings-"))
    chosen = {name for name in settings["data"] if name.startswith("ESCOLTA_")} - {"ESCOLTA_HOST"}
    assert chosen <= {f"ESCOLTA_{name.upper()}" for name in Settings.model_fields}
    assert set(settings["data"]) - chosen == {"ESCOLTA_HOST", "INGRESS_NAMESPACE", "MONITORING_NAMESPACE"}
