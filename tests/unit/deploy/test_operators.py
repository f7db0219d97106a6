"""What the operators of a cluster refuse of the objects that are theirs is found before it is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from checks.availability import wrong_availability
from checks.connections import too_many_connections
from checks.crds import wrong_custom_objects
from checks.operators import refused_by_operators
from checks.parts import Part

from .breaking import of

Break = Callable[[dict[str, Any]], object]
REFUSED: dict[str, tuple[str, str, Break, str]] = {
    "a version that cannot be read": (
        "Cluster",
        "postgres",
        lambda spec: spec.update(imageName="ghcr.io/cloudnative-pg/postgresql:latest"),
        "the version of ghcr.io/cloudnative-pg/postgresql:latest is not to be read",
    ),
    "a locale that its PostgreSQL has not": (
        "Cluster",
        "postgres",
        lambda spec: spec.update(imageName="ghcr.io/cloudnative-pg/postgresql:16-minimal-bookworm"),
        "builtinLocale wants localeProvider builtin and PostgreSQL 17 at least",
    ),
    "a parameter of the operator's": (
        "Cluster",
        "postgres",
        lambda spec: spec["postgresql"]["parameters"].update(ssl="on"),
        "ssl is not to be set",
    ),
    "a commit that nobody can agree to": (
        "Cluster",
        "postgres",
        lambda spec: spec.update(instances=1),
        "more servers are to agree to a commit than there are",
    ),
    "an owner who makes no accounts": (
        "Cluster",
        "postgres",
        lambda spec: spec["managed"]["roles"][0].pop("createrole"),
        "`escolta migrate` makes accounts, and its own may make none",
    ),
    "the secret of another owner": (
        "Cluster",
        "postgres",
        lambda spec: spec["bootstrap"]["initdb"].update(owner="somebody"),
        "the owner of the database is somebody, and its secret is of another",
    ),
    "a certificate that is not there": (
        "Cluster",
        "postgres",
        lambda spec: spec["certificates"].update(serverTLSSecret="none"),
        "the Secret none is not there",
    ),
    "backups that go nowhere": (
        "Cluster",
        "postgres",
        lambda spec: spec["plugins"][0]["parameters"].update(barmanObjectName="elsewhere"),
        "the plugin barman-cloud.cloudnative-pg.io names a store of backups that is not there",
    ),
    "a log that nobody keeps": (
        "Cluster",
        "postgres",
        lambda spec: spec["plugins"][0].pop("isWALArchiver"),
        "one plugin archives the log, neither none nor two",
    ),
    "a schedule of five fields": (
        "ScheduledBackup",
        "postgres",
        lambda spec: spec.update(schedule="15 1 * * *"),
        "the schedule '15 1 * * *' has not six fields",
    ),
    "a backup of nothing": (
        "ScheduledBackup",
        "postgres",
        lambda spec: spec["cluster"].update(name="catalog"),
        "there is no Cluster catalog",
    ),
    "a backup by no plugin": (
        "ScheduledBackup",
        "postgres",
        lambda spec: spec.pop("pluginConfiguration"),
        "the method `plugin` wants a pluginConfiguration",
    ),
    "a place that is none": (
        "ObjectStore",
        "catalog-archive",
        lambda spec: spec["configuration"].update(destinationPath="/backups"),
        "destinationPath is s3://bucket/",
    ),
    "backups without TLS": (
        "ObjectStore",
        "catalog-archive",
        lambda spec: spec["configuration"].update(endpointURL="http://archive.example.org"),
        "the backups would travel without TLS",
    ),
    "a time that is none": (
        "ObjectStore",
        "catalog-archive",
        lambda spec: spec.update(retentionPolicy="a month"),
        "retentionPolicy is a number and d, w or m",
    ),
    "a key that the secret has not": (
        "ObjectStore",
        "catalog-archive",
        lambda spec: spec["configuration"]["s3Credentials"]["accessKeyId"].update(key="KEY"),
        "has no KEY",
    ),
    "brokers without a majority": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec.update(replicas=2),
        "2 brokers have no majority",
    ),
    "a configuration that is too long": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["rabbitmq"].update(additionalConfig="# long\n" * 400),
        "additionalConfig is longer than 2000 characters",
    ),
    "a broker that listens to all": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["tls"].pop("disableNonTLSListeners"),
        "it listens without TLS, too",
    ),
    "another configuration than on one machine": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["rabbitmq"].update(
            additionalConfig=spec["rabbitmq"]["additionalConfig"].replace("= 1GB", "= 50MB")
        ),
        "'disk_free_limit.absolute = 50MB' stands in only one",
    ),
    "an owner without a password": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["secretBackend"]["externalSecret"].update(name=spec["tls"]["secretName"]),
        "has no default_user.conf",
    ),
    "a cookie that its group may read": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["override"]["statefulSet"]["spec"]["template"]["spec"]["securityContext"].pop(
            "fsGroupChangePolicy"
        ),
        "its cookie becomes readable to its group at the second start",
    ),
    "memory that it is not promised": (
        "RabbitmqCluster",
        "rabbitmq",
        lambda spec: spec["resources"]["requests"].update(memory="1Gi"),
        "its memory's limit, by which it finds its watermark, is more than it is promised",
    ),
    "fewer at most than at least": (
        "ScaledObject",
        "embedder",
        lambda spec: spec.update(minReplicaCount=5),
        "minReplicaCount is more than maxReplicaCount",
    ),
    "a trigger without a mode": (
        "ScaledObject",
        "embedder",
        lambda spec: spec["triggers"][0]["metadata"].pop("mode"),
        "a trigger says mode QueueLength and a value",
    ),
    "a queue that looks empty": (
        "ScaledObject",
        "embedder",
        lambda spec: spec["triggers"][0]["metadata"].update(protocol="amqp"),
        "by AMQP a queue whose messages are in hand looks empty",
    ),
    "no virtual host": (
        "ScaledObject",
        "embedder",
        lambda spec: spec["triggers"][0]["metadata"].update(host="https://rabbitmq.escolta.svc:15671"),
        "its host ends in the virtual host",
    ),
    "nobody who asks": (
        "ScaledObject",
        "embedder",
        lambda spec: spec["triggers"][0].pop("authenticationRef"),
        "a trigger names an authentication that is not there",
    ),
    "a password that is not there": (
        "TriggerAuthentication",
        "broker",
        lambda spec: spec["secretTargetRef"][1].update(key="PASSWORD"),
        "has no PASSWORD",
    ),
    "services that are none": (
        "ServiceMonitor",
        "escolta",
        lambda spec: spec["selector"].update(matchLabels={"app.kubernetes.io/name": "gateway"}),
        "it means no Service",
    ),
    "a port that is none": (
        "ServiceMonitor",
        "escolta",
        lambda spec: spec["endpoints"][0].update(port="metrics"),
        "Service ingest has no port metrics",
    ),
    "a caller without a token": (
        "ServiceMonitor",
        "escolta",
        lambda spec: spec["endpoints"][0].pop("authorization"),
        "/metrics answers 401 to whoever has no token",
    ),
}


def test_nothing_is_refused(everything: list[Part]):
    assert refused_by_operators(everything) == []
    assert wrong_custom_objects(everything) == []
    assert wrong_availability(everything) == []
    assert too_many_connections(everything) == []


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_told_of(what: str, everything: list[Part]):
    kind, name, breaks, sentence = REFUSED[what]
    breaks(of(everything, kind, name)["spec"])
    found = refused_by_operators(everything)
    assert any(sentence in line and line.startswith(f"{kind} {name}: ") for line in found), found


def test_a_number_of_replicas_beside_an_autoscaler_is_told_of(everything: list[Part]):
    of(everything, "Deployment", "embedder")["spec"]["replicas"] = 1
    assert refused_by_operators(everything) == [
        "ScaledObject embedder: its target says a number of replicas, too: each apply would set it again"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "breaks", "where"),
    [
        ("Cluster", "postgres", lambda spec: spec.update(instance=3), "instance"),
        ("Cluster", "postgres", lambda spec: spec.update(instances="3"), "spec.instances"),
        ("Cluster", "postgres", lambda spec: spec["storage"].pop("size"), "'size' is a required property"),
        (
            "Cluster",
            "postgres",
            lambda spec: spec["postgresql"]["parameters"].update(max_connections=200),
            "spec.postgresql.parameters.max_connections",
        ),
        (
            "RabbitmqCluster",
            "rabbitmq",
            lambda spec: spec["tls"].update(secret="x"),
            "'secret' was unexpected",
        ),
        (
            "ScaledObject",
            "embedder",
            lambda spec: spec["triggers"][0]["metadata"].update(value=600),
            "spec.triggers.0.metadata.value",
        ),
        ("ServiceMonitor", "escolta", lambda spec: spec["endpoints"][0].update(interval=15), "interval"),
    ],
)
def test_a_field_that_an_operator_does_not_know_is_told_of(
    kind: str, name: str, breaks: Break, where: str, everything: list[Part]
):
    breaks(of(everything, kind, name)["spec"])
    [line] = wrong_custom_objects(everything)
    assert line.startswith(f"{kind} {name}: ")
    assert where in line


def test_an_object_that_nobody_knows_is_told_of(production: list[Part]):
    production.append({"apiVersion": "example.org/v1", "kind": "Surprise", "metadata": {"name": "one"}})
    assert wrong_custom_objects(production) == [
        "Surprise one: nobody has said what an object of example.org/v1 may say"
    ]
