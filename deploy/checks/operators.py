"""What the operators of a cluster refuse of the objects that are theirs, as far as a schema cannot say it."""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from checks.parts import Part, named, of_kind

CONF = Path(__file__).parents[1] / "k8s/servers/rabbitmq.conf"
OF_THE_OPERATOR = re.compile(r"^(mqtt\.)?listeners\.|^management\.ssl\.|^ssl_options\.(cacert|cert|key)file")
"""What RabbitMQ's operator says itself: listeners and certificates."""
LONGEST_CONFIG = 2000
FIXED = ("listen_addresses", "port", "ssl", "hba_file", "archive_command", "archive_mode", "wal_level")
"""Parameters of PostgreSQL that CloudNativePG keeps for itself."""
BUILTIN_FROM = 17
"""The PostgreSQL that first has `builtin` locales."""


def refused_by_operators(parts: Sequence[Part]) -> list[str]:
    """Each with the object that is refused."""
    looks: dict[str, Callable[[Part, Sequence[Part]], Iterator[str]]] = {
        "Cluster": _cluster,
        "ScheduledBackup": _scheduled_backup,
        "ObjectStore": _object_store,
        "RabbitmqCluster": _rabbitmq,
        "ScaledObject": _scaled_object,
        "TriggerAuthentication": _trigger_authentication,
        "ServiceMonitor": _service_monitor,
    }
    return [
        f"{named(part)}: {sentence}"
        for kind, look in looks.items()
        for part in of_kind(parts, kind)
        for sentence in look(part, parts)
    ]


def _cluster(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    spec = part["spec"]
    major = re.search(r":(\d+)", spec["imageName"])
    if major is None:
        yield f"the version of {spec['imageName']} is not to be read: name one"
    initdb = spec["bootstrap"]["initdb"]
    is_new = major and int(major[1]) >= BUILTIN_FROM
    if "builtinLocale" in initdb and not (initdb.get("localeProvider") == "builtin" and is_new):
        yield f"builtinLocale wants localeProvider builtin and PostgreSQL {BUILTIN_FROM} at least"
    if fixed := [name for name in FIXED if name in spec["postgresql"]["parameters"]]:
        yield f"{fixed[0]} is not to be set"
    if spec["postgresql"].get("synchronous", {}).get("number", 0) >= spec["instances"]:
        yield "more servers are to agree to a commit than there are"
    if spec["managed"]["roles"] and not any(role.get("createrole") for role in spec["managed"]["roles"]):
        yield "`escolta migrate` makes accounts, and its own may make none: createrole"
    owner = initdb["secret"]["name"]
    yield from _secret(parts, owner, "username", "password")
    yield from (
        f"the owner of the database is {initdb['owner']}, and its secret is of another"
        for user in [_value(parts, owner, "username")]
        if user and user != initdb["owner"]
    )
    for name, keys in (("serverTLSSecret", ("tls.crt", "tls.key")), ("serverCASecret", ("ca.crt",))):
        yield from _secret(parts, spec["certificates"][name], *keys)
    stores = {each["metadata"]["name"] for each in of_kind(parts, "ObjectStore")}
    for plugin in spec["plugins"]:
        if plugin.get("parameters", {}).get("barmanObjectName") not in stores:
            yield f"the plugin {plugin['name']} names a store of backups that is not there"
    if sum(bool(plugin.get("isWALArchiver")) for plugin in spec["plugins"]) != 1:
        yield "one plugin archives the log, neither none nor two"


def _scheduled_backup(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    spec = part["spec"]
    if len(spec["schedule"].split()) != 6:
        yield f"the schedule {spec['schedule']!r} has not six fields, of which the first is seconds"
    if spec["cluster"]["name"] not in {each["metadata"]["name"] for each in of_kind(parts, "Cluster")}:
        yield f"there is no Cluster {spec['cluster']['name']}"
    if (spec.get("method") == "plugin") != ("pluginConfiguration" in spec):
        yield "the method `plugin` wants a pluginConfiguration, and no other has one"


def _object_store(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    spec = part["spec"]
    if not re.fullmatch(r"s3://[a-z0-9.-]+/.*", spec["configuration"]["destinationPath"]):
        yield "destinationPath is s3://bucket/ and a folder"
    if not spec["configuration"]["endpointURL"].startswith("https://"):
        yield "the backups would travel without TLS"
    if not re.fullmatch(r"[1-9]\d*[dwm]", spec["retentionPolicy"]):
        yield "retentionPolicy is a number and d, w or m"
    for reference in spec["configuration"]["s3Credentials"].values():
        yield from _secret(parts, reference["name"], reference["key"])


def _rabbitmq(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    spec, config = part["spec"], part["spec"]["rabbitmq"]["additionalConfig"]
    if spec["replicas"] % 2 == 0:
        yield f"{spec['replicas']} brokers have no majority that another number has not: 1, 3 or 5"
    if len(config) > LONGEST_CONFIG:
        yield f"additionalConfig is longer than {LONGEST_CONFIG} characters"
    if not spec["tls"].get("disableNonTLSListeners"):
        yield "it listens without TLS, too"
    yield from _secret(parts, spec["tls"]["secretName"], "tls.crt", "tls.key")
    secret = spec["secretBackend"]["externalSecret"]["name"]
    yield from _secret(parts, secret, "username", "password", "default_user.conf")
    ours = {line for line in _lines(CONF.read_text("utf-8")) if not OF_THE_OPERATOR.match(line)}
    yield from (
        f"{line!r} stands in only one of servers/rabbitmq.conf and additionalConfig"
        for line in sorted(ours ^ set(_lines(config)))
    )
    security = spec["override"]["statefulSet"]["spec"]["template"]["spec"]["securityContext"]
    if security.get("fsGroupChangePolicy") != "OnRootMismatch":
        yield "its cookie becomes readable to its group at the second start, and it refuses such a cookie"
    requests, limits = spec["resources"]["requests"], spec["resources"]["limits"]
    if requests["memory"] != limits["memory"]:
        yield "its memory's limit, by which it finds its watermark, is more than it is promised"


def _scaled_object(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    spec = part["spec"]
    if not 0 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]:
        yield "minReplicaCount is more than maxReplicaCount"
    deployments = {each["metadata"]["name"]: each for each in of_kind(parts, "Deployment")}
    if "replicas" in deployments.get(spec["scaleTargetRef"]["name"], {}).get("spec", {}):
        yield "its target says a number of replicas, too: each apply would set it again"
    authentications = {each["metadata"]["name"] for each in of_kind(parts, "TriggerAuthentication")}
    for trigger in spec["triggers"]:
        metadata = trigger["metadata"]
        if metadata.get("mode") != "QueueLength" or "value" not in metadata or "queueLength" in metadata:
            yield "a trigger says mode QueueLength and a value"
        if metadata.get("protocol") != "http" or not metadata.get("host", "").startswith("https://"):
            yield "by AMQP a queue whose messages are in hand looks empty: protocol http, host https://"
        elif not metadata["host"].endswith("/"):
            yield "its host ends in the virtual host: / for the first"
        if trigger.get("authenticationRef", {}).get("name") not in authentications:
            yield "a trigger names an authentication that is not there"


def _trigger_authentication(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    for reference in part["spec"].get("secretTargetRef", []):
        yield from _secret(parts, reference["name"], reference["key"])
    for reference in part["spec"].get("configMapTargetRef", []):
        yield from _secret(parts, reference["name"], reference["key"], kind="ConfigMap")


def _service_monitor(part: Part, parts: Sequence[Part]) -> Iterator[str]:
    wanted = part["spec"]["selector"].get("matchLabels", {}).items()
    expressions = part["spec"]["selector"].get("matchExpressions", [])
    services = [
        service
        for service in of_kind(parts, "Service")
        for labels in [service["metadata"].get("labels", {})]
        if all(labels.get(key) == value for key, value in wanted)
        and all(labels.get(each["key"]) in each["values"] for each in expressions)
    ]
    if not services:
        yield "it means no Service"
    for endpoint in part["spec"]["endpoints"]:
        yield from (
            f"Service {service['metadata']['name']} has no port {endpoint['port']}"
            for service in services
            if endpoint["port"] not in {port.get("name") for port in service["spec"]["ports"]}
        )
        reference = endpoint.get("authorization", {}).get("credentials")
        if reference is None:
            yield "/metrics answers 401 to whoever has no token"
        else:
            yield from _secret(parts, reference["name"], reference["key"])


def _secret(parts: Sequence[Part], name: str, *keys: str, kind: str = "Secret") -> Iterator[str]:
    found = [part for part in of_kind(parts, kind) if part["metadata"]["name"] == name]
    if not found:
        yield f"the {kind} {name} is not there"
    yield from (
        f"the {kind} {name} has no {key}" for part in found for key in keys if key not in part.get("data", {})
    )


def _value(parts: Sequence[Part], name: str, key: str) -> str:
    for part in of_kind(parts, "Secret"):
        if part["metadata"]["name"] == name:
            return base64.b64decode(part["data"].get(key, "")).decode()
    return ""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
