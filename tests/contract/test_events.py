"""The events: complete, frozen, unambiguous, and documented without drift."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

from escolta import events
from escolta.contracts import asyncapi_json, events_markdown, parties
from escolta.events import EVENTS, AudioAccepted, Event, NodeStatus, audio_id_of

ROOT = Path(__file__).parents[2]


def test_every_event_class_is_in_the_list():
    declared = {
        thing
        for thing in vars(events).values()
        if isinstance(thing, type) and issubclass(thing, Event) and thing is not Event
    }
    assert declared == set(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_says_who_sends_and_who_receives(event):
    producers, consumers, story = parties(event)
    assert producers
    assert consumers
    assert story.endswith(".")


def test_topics_are_unique():
    assert len({event.topic for event in EVENTS}) == len(EVENTS)


def test_a_routing_key_names_the_node():
    event = AudioAccepted(audio_id="6f1c4c5e-0d2b-5a54-9b53-0a3c1a6b8c11", node="quay-1", sha256="0" * 64)
    assert event.routing_key() == "audio.accepted.quay-1"


@pytest.mark.parametrize("node", ["Quay", "quay.1", "quay/1", "", "quay 1"])
def test_a_node_name_that_would_break_a_topic_is_refused(node):
    with pytest.raises(ValidationError, match="node"):
        AudioAccepted(audio_id="6f1c4c5e-0d2b-5a54-9b53-0a3c1a6b8c11", node=node, sha256="0" * 64)


def test_an_audio_keeps_its_id_in_every_time_zone():
    start = datetime(2024, 5, 1, 10, tzinfo=UTC)
    elsewhere = start.astimezone(timezone(timedelta(hours=2)))
    assert audio_id_of("quay-1", start) == audio_id_of("quay-1", elsewhere)


def test_a_time_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset from UTC"):
        audio_id_of("quay-1", datetime(2024, 5, 1, 10))


def test_a_time_beyond_the_calendar_is_refused_as_any_wrong_field():
    with pytest.raises(ValidationError, match="must lie between 1900-01-01 and 9999-12-31"):
        NodeStatus(node="quay-1", at="0001-01-01T00:00:00+14:00", spooled=0, free_bytes=0, version="0.1.0")


def test_the_event_documents_have_not_drifted():
    assert (ROOT / "docs/events.md").read_text("utf-8") == events_markdown()
    assert (ROOT / "asyncapi.json").read_text("utf-8") == asyncapi_json()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_names_those_who_really_send_and_receive_it(event):
    producers, consumers, _ = parties(event)
    sends, hears = rf"\b{event.__name__}\(", rf"\bSubscription\(\s*{event.__name__}\b"
    by_the_bus = "every service" if re.search(sends, text_of(ROOT / "libs/common/escolta/bus")) else None
    assert set(producers) == ({by_the_bus} if by_the_bus else services_with(sends))
    assert set(consumers) == services_with(hears)


def services_with(pattern: str) -> set[str]:
    """The services in whose code the pattern is."""
    return {folder.name for folder in ROOT.glob("services/*") if re.search(pattern, text_of(folder))}


@cache
def text_of(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))
