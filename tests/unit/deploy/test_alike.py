"""Compose, Kubernetes and the documents tell of the same deployment."""

from collections.abc import Callable

import pytest

from arrows import wrong_networks, wrong_policies
from checks.accounts import foreign_accounts
from checks.alike import (
    compose_services,
    missing_services,
    other_images,
    other_paths,
    other_servers,
    unchosen,
)
from checks.parts import Part

from .breaking import container, of

Check = Callable[[list[Part]], list[str]]
Break = Callable[[list[Part]], object]
CHECKS: tuple[Check, ...] = (
    missing_services,
    other_images,
    other_paths,
    other_servers,
    foreign_accounts,
    wrong_policies,
)
BROKEN: dict[str, tuple[Check, Break, str]] = {
    "a service that is missing": (
        missing_services,
        lambda parts: parts.remove(of(parts, "Deployment", "al-engine")),
        "al-engine is missing in deploy/k8s",
    ),
    "another image": (
        other_images,
        lambda parts: container(parts, "Deployment", "ingest").update(image="escolta/ingest:0.0.9"),
        "deploy/k8s starts escolta/ingest:0.0.9",
    ),
    "a Job that an upgrade would not start": (
        other_images,
        lambda parts: of(parts, "Job", "migrate-0-1-0")["metadata"].update(name="migrate"),
        "the Job migrate does not end in 0.1.0",
    ),
    "a path that Compose does not open": (
        other_paths,
        lambda parts: of(parts, "Ingress", "entrance")["spec"]["rules"][0]["http"]["paths"][0].update(
            path="/metrics"
        ),
        "/metrics goes to label-gateway",
    ),
    "a server that is started otherwise": (
        other_servers,
        lambda parts: container(parts, "StatefulSet", "seaweedfs")["args"].pop(),
        "seaweedfs is started otherwise",
    ),
    "the account of another": (
        foreign_accounts,
        lambda parts: container(parts, "Deployment", "ingest").update(
            envFrom=container(parts, "Job", "migrate-0-1-0")["envFrom"]
        ),
        "Deployment ingest has the accounts of migrate",
    ),
    "no account": (
        foreign_accounts,
        lambda parts: container(parts, "Job", "store-0-1-0").pop("envFrom"),
        "Job store-0-1-0 has no account of its own",
    ),
    "a door that is open": (
        wrong_policies,
        lambda parts: of(parts, "NetworkPolicy", "postgres")["spec"]["ingress"][0].update(
            {"from": [{"podSelector": {}}]}
        ),
        "a NetworkPolicy lets through anybody to postgres:5432",
    ),
    "a door that is closed": (
        wrong_policies,
        lambda parts: parts.remove(of(parts, "NetworkPolicy", "ingest")),
        "docs/architecture.md tells of entrance to ingest:8000, no NetworkPolicy does",
    ),
    "nothing that closes the rest": (
        wrong_policies,
        lambda parts: parts.remove(of(parts, "NetworkPolicy", "closed")),
        "no NetworkPolicy closes everything else",
    ),
    "names that nobody may ask for": (
        wrong_policies,
        lambda parts: of(parts, "NetworkPolicy", "closed")["spec"]["egress"].pop(),
        "no NetworkPolicy lets pods ask for names",
    ),
    "nodes that cannot come in": (
        wrong_policies,
        lambda parts: parts.remove(of(parts, "Service", "nodes-store")),
        "nodes outside have no way in to seaweedfs:8333",
    ),
    "a server that everybody reaches": (
        wrong_policies,
        lambda parts: of(parts, "Service", "postgres")["spec"].update(
            type="LoadBalancer", externalTrafficPolicy="Local"
        ),
        "Service postgres opens postgres:5432 to everybody",
    ),
    "callers whose address is lost": (
        wrong_policies,
        lambda parts: of(parts, "Service", "nodes-mqtt")["spec"].pop("externalTrafficPolicy"),
        "Service nodes-mqtt is no LoadBalancer that keeps who calls",
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_both_are_alike(check: Check, single_node: list[Part]):
    assert check(single_node) == []


@pytest.mark.parametrize("what", BROKEN)
def test_it_is_told_of(what: str, single_node: list[Part]):
    check, breaks, sentence = BROKEN[what]
    breaks(single_node)
    found = check(single_node)
    assert any(line.startswith(sentence) for line in found), found


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"volumes": ["${ESCOLTA_SECRETS:?run make up}/migrate:/run/secrets:ro"]},
            "ingest is given the secrets of migrate",
        ),
        ({"environment": {"ESCOLTA_SECRET": "sesame"}}, "ESCOLTA_SECRET of ingest is a secret in a variable"),
        ({"environment": {"ESCOLTA_BUS_URL": "amqps://a:b@c"}}, "ESCOLTA_BUS_URL of ingest is a secret"),
    ],
)
def test_secrets_of_compose_are_files_of_ones_own(monkeypatch, changed, sentence):
    monkeypatch.setattr("checks.accounts.compose_services", lambda: {"ingest": changed})
    [found] = foreign_accounts([])
    assert found.startswith(f"docker-compose.yml: {sentence}")


def test_nobody_elses_image_can_be_pulled():
    ours = [part for part in compose_services().values() if "escolta" in part["image"]]
    assert {unchosen(part["image"]).partition("/")[0] for part in ours} == {"localhost"}
    assert {unchosen(part["pull_policy"]) for part in ours} == {"build", "never"}


def test_what_env_does_not_choose_is_as_in_a_cluster():
    assert unchosen("${REGISTRY:-here}/embedder${KIND:+-${KIND}}:0.1.0") == "here/embedder:0.1.0"


def test_composes_networks_are_the_arrows():
    assert wrong_networks() == []
