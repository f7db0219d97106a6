"""Who speaks with whom: docs/architecture.md's table, against Compose's networks and Kubernetes' policies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from checks.parts import NAME, Part, of_kind

ROOT = Path(__file__).parents[1]
OUTSIDE = {"people", "nodes", "internet"}
"""They are no part of the deployment."""
OF_COMPOSE = {"entrance", "grafana", "prometheus", "alertmanager", "disks", "internet"}
"""A cluster has its own entrance and its own monitoring, and what leads out is closed."""
IN_COMPOSE = {"monitoring": "prometheus"}
IN_A_CLUSTER = {
    "ingress-nginx": "entrance",
    "monitoring": "monitoring",
    "cnpg-system": "catalog-operator",
    "keda": "autoscaler",
}
NAMES = (NAME, "cnpg.io/cluster")
"""The labels by which a pod is known."""
BESIDES = {"production": "Cluster", "autoscaling": "ScaledObject"}
"""Of the second table: where an arrow is, and the kind of object by which one sees that this is there."""
EVERYWHERE = "0.0.0.0/0"
DNS = {("UDP", 53), ("TCP", 53)}


class Arrow(NamedTuple):
    """A part that connects to a port of another."""

    source: str
    target: str
    port: int


def wrong_policies(parts: Sequence[Part]) -> list[str]:
    """What the table and a cluster's policies do not agree on."""
    policies = of_kind(parts, "NetworkPolicy")
    told = (*_of_the_table(), *_besides(parts))
    table = {arrow for arrow in told if arrow.target not in OF_COMPOSE}
    if not of_kind(parts, "StatefulSet"):  # another's store, which no policy of ours opens
        table = {arrow for arrow in table if arrow.target != "seaweedfs"}
    opened = {arrow for policy in policies for arrow in _of_a_policy(policy)}
    wrong = [
        f"docs/architecture.md tells of {_in_words(arrow)}, no NetworkPolicy does" for arrow in table - opened
    ] + [
        f"a NetworkPolicy lets through {_in_words(arrow)}, which docs/architecture.md does not tell of"
        for arrow in opened - table
    ]
    if not any(_denies_the_rest(policy) for policy in policies):
        wrong.append("no NetworkPolicy closes everything else")
    if not any(_finds_names(policy) for policy in policies):
        wrong.append("no NetworkPolicy lets pods ask for names: UDP and TCP 53")
    return wrong + list(_wrong_ways_in(parts, table))


def wrong_networks() -> list[str]:
    """What the table and Compose's networks do not agree on."""
    return _wrong_networks(set(_of_the_table()))


def _of_the_table() -> Iterator[Arrow]:
    for line in _text("docs/architecture.md").splitlines():
        if row := re.fullmatch(r"\| ([a-z, -]+) \| ([a-z, -]+) \| (\d+) \| .* \|", line):
            sources, targets = (cell.split(", ") for cell in row.groups()[:2])
            yield from (Arrow(source, target, int(row[3])) for source in sources for target in targets)


def _besides(parts: Sequence[Part]) -> Iterator[Arrow]:
    """What the second table tells of, as far as it is there."""
    for line in _text("docs/architecture.md").splitlines():
        row = re.fullmatch(r"\| (\w+) \| ([a-z, -]+) \| ([a-z, -]+) \| ([\d, ]+) \| .* \|", line)
        if row and row[1] in BESIDES and of_kind(parts, BESIDES[row[1]]):
            sources, targets, ports = (cell.split(", ") for cell in row.groups()[1:])
            for source in sources:
                yield from (Arrow(source, target, int(port)) for target in targets for port in ports)


def _of_a_policy(policy: Mapping[str, Any]) -> Iterator[Arrow]:
    labels = policy["spec"]["podSelector"].get("matchLabels", {})
    target = next((labels[name] for name in NAMES if name in labels), "")
    for rule in policy["spec"].get("ingress", []):
        for peer in rule.get("from", [{}]):
            for port in rule.get("ports", [{"port": 0}]):
                yield from (Arrow(source, target, port["port"]) for source in _peers(peer))


def _peers(peer: Mapping[str, Any]) -> list[str]:
    """Whom a rule means; `anybody` where it is none of the forms that we use."""
    match peer:
        case {"podSelector": {"matchExpressions": [{"key": key, "operator": "In", "values": [*names]}]}} if (
            key in NAMES and len(peer) == 1
        ):
            return names
        case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} if len(peer) == 1:
            return [IN_A_CLUSTER.get(name, "anybody")]
        case {"ipBlock": {"cidr": cidr}} if cidr == EVERYWHERE:
            return ["nodes"]
    return ["anybody"]


def _denies_the_rest(policy: Mapping[str, Any]) -> bool:
    spec = policy["spec"]
    return (
        spec["podSelector"] == {}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and "ingress" not in spec
    )


def _finds_names(policy: Mapping[str, Any]) -> bool:
    rules = policy["spec"].get("egress", []) if policy["spec"]["podSelector"] == {} else []
    return any({(port["protocol"], port["port"]) for port in rule.get("ports", [])} >= DNS for rule in rules)


def _wrong_ways_in(parts: Sequence[Part], table: set[Arrow]) -> Iterator[str]:
    """From outside come the nodes of the table, each way to one port, and nobody else."""
    wanted = {(arrow.target, arrow.port) for arrow in table if arrow.source == "nodes"}
    found = set()
    for service in of_kind(parts, "Service"):
        spec = service["spec"]
        if spec.get("type", "ClusterIP") == "ClusterIP":
            continue
        ways = {(spec["selector"].get(NAME, "anybody"), port["port"]) for port in spec["ports"]}
        found |= ways
        if spec["type"] != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
            yield f"Service {service['metadata']['name']} is no LoadBalancer that keeps who calls (Local)"
        for target, port in ways - wanted:
            yield f"Service {service['metadata']['name']} opens {target}:{port} to everybody"
    yield from (f"nodes outside have no way in to {target}:{port}" for target, port in wanted - found)


def _wrong_networks(table: set[Arrow]) -> list[str]:
    """In Compose an arrow is a network that both are on; nobody is on one without an arrow there."""
    document = yaml.safe_load(_text("docker-compose.yml"))
    parts = document["services"]
    on = {name: _networks(part) for name, part in parts.items()}
    table = {arrow._replace(source=IN_COMPOSE.get(arrow.source, arrow.source)) for arrow in table}
    arrows = [arrow for arrow in table if not OUTSIDE & set(arrow[:2])]
    wrong = [
        f"docker-compose.yml: {_in_words(arrow)} has no network"
        for arrow in arrows
        if not on[arrow.source] & on[arrow.target]
    ]
    used = {
        (name, network)
        for arrow in arrows
        for network in on[arrow.source] & on[arrow.target]
        for name in arrow[:2]
    }
    outward = {
        name for name, network in (document["networks"] or {}).items() if not (network or {}).get("internal")
    }
    goes_out = {arrow.source for arrow in table if arrow.target == "internet"}
    for name, networks in on.items():
        published = {arrow.port for arrow in table if arrow.target == name and arrow.source in OUTSIDE}
        opens = {int(str(port).rpartition(":")[2]) for port in parts[name].get("ports", [])}
        if opens != published:
            wrong.append(f"docker-compose.yml: {name} publishes {sorted(opens)}")
        may_lead_out = bool(published) or name in goes_out
        for network in sorted(networks):
            if (name, network) not in used and not (may_lead_out and network in outward):
                wrong.append(f"docker-compose.yml: {name} is on the network {network} without an arrow there")
            if network in outward and not may_lead_out and name != "node-agent":
                wrong.append(f"docker-compose.yml: {name} is on {network}, which leads out")
    return wrong


def _networks(part: Mapping[str, Any]) -> set[str]:
    return set() if part.get("network_mode") == "none" else set(part.get("networks") or ["default"])


def _in_words(arrow: Arrow) -> str:
    return f"{arrow.source} to {arrow.target}:{arrow.port}"


def _text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")
