"""The bounds of events: what lies within is stored and fits into a message, what lies beyond is refused."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from contract.bounds import NODE, Schema, at_its_bounds, events, least, resolved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from al_engine.iterations import requests as al_engine
from escolta.bus import DeadLetter, Subscription, Verdict
from escolta.bus.delivery import BusMetrics, Delivery, rejection
from escolta.bus.inbox import Incoming
from escolta.catalog import open_catalog
from escolta.clock import SystemClock
from escolta.events import EVENTS, AudioRecorded, Event, IterationRequested, MessageRejected, NodeStatus
from escolta.fields import BODY_CHARS, LARGEST_EVENT_BYTES, LATEST, REASON_CHARS
from ingest import nodes
from ingest import store as ingest
from ingest.quarantine import origin_of

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


few = settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


A_LIST_OF = {
    "nodes": NODE,
    "further_windows": {"window_start": "2024-05-01T00:00:00Z", "window_end": LATEST.isoformat()},
}


CUT = {"reason", "source", "body", "queue", "message_topic"}
"""Texts that tell of a fault: they are cut, and nothing is refused because of them."""


def fields_of(event: type[Event]) -> Iterator[tuple[str, Schema]]:
    """Every field, also those of the models within."""
    document = event.model_json_schema()
    for model in (document, *document.get("$defs", {}).values()):
        for name, field in model["properties"].items():
            yield name, resolved(field, event)


@each_event
def test_every_number_text_and_list_of_an_event_has_a_bound(event: type[Event]) -> None:
    for name, field in fields_of(event):
        kind = field.get("type")
        if kind in ("integer", "number"):
            assert "maximum" in field, name
            assert {"minimum", "exclusiveMinimum"} & set(field), name
        elif kind == "array":
            assert "maxItems" in field, name
        elif kind == "string":
            assert {"maxLength", "format", "enum", "pattern"} & set(field), name


@given(st.sampled_from(EVENTS).flatmap(events))
def test_an_event_at_its_bounds_fits_into_a_message(event: Event) -> None:
    assert len(event.model_dump_json().encode()) <= LARGEST_EVENT_BYTES


@given(events(AudioRecorded))
def test_a_refused_audio_is_told_of_whole_whatever_it_says(event: AudioRecorded) -> None:
    dead = DeadLetter("ingest.audio.recorded", event.topic, event.model_dump_json().encode(), "why", 1)
    told = rejection(dead, SystemClock())
    assert AudioRecorded.model_validate_json(told.body) == event


@few
@given(events(AudioRecorded))
async def test_an_audio_at_its_bounds_is_stored(catalog_url: str, event: AudioRecorded) -> None:
    async with open_catalog(catalog_url) as pool:
        await ingest.register_node(pool, ingest.NewNode(name=NODE))
        await ingest.ensure_month(pool, event.start)
        stored = await ingest.insert_audios(pool, [event])
    assert stored == {event.audio_id: bytes.fromhex(event.sha256)}


@few
@given(events(NodeStatus))
async def test_a_status_at_its_bounds_is_stored(catalog_url: str, event: NodeStatus) -> None:
    async with open_catalog(catalog_url) as pool:
        await ingest.register_node(pool, ingest.NewNode(name=NODE))
        await pool.execute("DELETE FROM audio.node_status")
        await nodes.keep_statuses(pool, [event], event.at)
        assert await pool.fetchval("SELECT free_bytes FROM audio.node_status") == event.free_bytes


@few
@given(events(MessageRejected))
async def test_a_rejection_at_its_bounds_is_stored(catalog_url: str, event: MessageRejected) -> None:
    event = event.model_copy(update={"message_id": str(uuid4())})
    async with open_catalog(catalog_url) as pool:
        await ingest.quarantine(pool, [(event, origin_of(event.body))])
        stored = "SELECT reason FROM audio.quarantine WHERE message_id = $1"
        assert await pool.fetchval(stored, event.message_id) == event.reason


@few
@given(events(IterationRequested))
async def test_a_request_at_its_bounds_is_stored_and_read_again(
    catalog_url: str, event: IterationRequested
) -> None:
    async with open_catalog(catalog_url) as pool:
        await pool.execute("DELETE FROM al.al_preprocessing")
        await al_engine.add_request(pool, event)
        assert await al_engine.request_of(pool, event.iteration_id) == event


async def reason_why_refused(event: type[Event], fields: dict[str, Any]) -> str:
    async def hear(messages: object) -> None:
        raise AssertionError("it was handed over")

    delivery = Delivery("test", Subscription(event, hear), BusMetrics(CollectorRegistry()))
    [outcome] = await delivery.run([Incoming("test", json.dumps(fields).encode())])
    assert outcome.verdict is Verdict.REJECT
    return outcome.reason


@each_event
@few
@given(st.data())
async def test_what_lies_beyond_a_bound_is_refused_at_once_with_a_sentence(
    event: type[Event], data: st.DataObject
) -> None:
    schema = event.model_json_schema()
    good = data.draw(at_its_bounds(schema, event))
    for name, field in schema["properties"].items():
        for value in beyond(name, resolved(field, event)):
            assert repr(name) in await reason_why_refused(event, good | {name: value}), (name, value)


def beyond(name: str, field: Schema) -> list[Any]:
    """Values just outside what the field may be."""
    if "maximum" in field:
        return [field["maximum"] + 1, least(field) - 1, 10**400]
    if "maxLength" in field and name not in CUT:
        return ["a" * (field["maxLength"] + 1), "a\0b"]
    if field.get("format") == "date-time":
        return [
            "0001-01-01T00:00:00Z",
            "1899-12-31T23:59:59Z",
            "9999-12-31T00:00:01Z",
            "9999-12-31T23:59:59-14:00",
        ]
    if name in A_LIST_OF:
        return [[A_LIST_OF[name]] * (field["maxItems"] + 1)]
    return []


@given(st.text())
def test_a_text_that_tells_of_a_fault_is_cut_and_never_refused(text: str) -> None:
    told = rejection(DeadLetter("q", "t", text.encode(), text * 1000, 1), SystemClock())
    assert len(told.reason) <= REASON_CHARS
    assert len(told.body) <= BODY_CHARS
    assert "\0" not in told.reason + told.body
    odd = MessageRejected(**told.model_dump() | {"reason": "\udcff" + text * 1000})
    assert MessageRejected.model_validate_json(odd.model_dump_json()) == odd
