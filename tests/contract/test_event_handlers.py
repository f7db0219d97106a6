"""Whatever an event says within its bounds, its service does it or refuses it, and never tries for ever."""

import json
from pathlib import Path

from contract.bounds import NODE, at_its_bounds
from hypothesis import given, settings
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.bus.delivery import BusMetrics, Delivery
from escolta.bus.inbox import Incoming
from escolta.bus.port import Subscription, Verdict
from escolta.runtime import find_services, running
from escolta.settings import Settings

SERVICES = ("ingest", "embedder", "al-engine", "label-gateway")


def bodies(subscription: Subscription) -> list[bytes]:
    """Events of the subscription at their bounds, as JSON."""
    drawn: list[bytes] = []

    @settings(max_examples=10, database=None)
    @given(at_its_bounds(subscription.event.model_json_schema(), subscription.event))
    def draw(fields: dict) -> None:
        drawn.append(json.dumps(fields).encode())

    draw()
    return drawn


async def test_an_event_at_its_bounds_is_never_tried_again(catalog_url: str, tmp_path: Path) -> None:
    chosen = Settings(
        secret=SecretStr("of this test alone"),
        state_dir=tmp_path,
        catalog_url=catalog_url,
        objects_url=f"file://{tmp_path}/objects",
        model="placeholder",
        nodes=NODE,
    )
    async with running(chosen, find_services(SERVICES)) as (_, services):
        for service in services:
            for subscription in service.subscriptions:
                delivery = Delivery(service.name, subscription, BusMetrics(CollectorRegistry()))
                for body in bodies(subscription):
                    topic = subscription.event.model_validate_json(body).routing_key()
                    [outcome] = await delivery.run([Incoming(topic, body)])
                    assert outcome.verdict is not Verdict.RETRY, (delivery.queue, outcome.reason, body)
