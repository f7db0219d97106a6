"""The quarantine list takes what every service rejects, whatever the message was."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from unit.ingest.at_work import IngestAtWork, wav

from escolta.bus import Message, Verdict
from escolta.events import AudioEmbedded, AudioRecorded, AudioRefused, MessageRejected, SoundLeftOut
from ingest.quarantine import LeftOut, Quarantine, origin_of
from ingest.store import Origin

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["node", "audio_id", "object_key"]), inner)
    ),
)


def rejected(body: str, topic: str = AudioRecorded.topic, **changes: Any) -> MessageRejected:
    fields: dict[str, Any] = {
        "queue": "ingest.audio.recorded",
        "message_topic": topic,
        "reason": "It was no good: make it better.",
        "body": body,
        "message_id": str(uuid4()),
        "attempts": 1,
        "at": datetime.now(UTC),
    }
    return MessageRejected(**fields | changes)


@given(st.text() | json_values.map(json.dumps))
def test_the_origin_of_any_text_can_be_asked_for(body: str) -> None:
    origin = origin_of(body)
    for text in (origin.node, origin.object_key):
        assert text is None or "\0" not in text.encode().decode()


def test_the_origin_is_read_as_far_as_it_can_be() -> None:
    assert origin_of('{"node": "quay-1", "audio_id": 7}') == Origin(node="quay-1")
    assert origin_of('{"node": "Quay 1", "object_key": "a\\u0000\\ud800"}') == Origin(object_key="a\ufffd?")
    assert origin_of('{"file_name": "dawn\\u0000.wav"}') == Origin(file_name="dawn\ufffd.wav")
    audio_id = "6f1c4c5e-0d2b-5a54-9b53-0a3c1a6b8c11"
    assert origin_of(f'{{"audio_id": "{audio_id}"}}') == Origin(audio_id=UUID(audio_id))
    assert origin_of('{"node": "quay-1", "file_name": "cut o') == Origin()
    assert origin_of("[" * 4000) == Origin()


async def test_a_rejection_that_is_told_twice_has_one_row(ingest: IngestAtWork) -> None:
    event = rejected("words")
    keep = Quarantine(ingest.on).keep
    await keep([Message(event), Message(event), Message(rejected("other words"))])
    await keep([Message(event)])
    rows = await ingest.quarantined(2)
    assert [row["body"] for row in rows] == ["words", "other words"]
    assert rows[0]["message_id"] == UUID(event.message_id)


async def test_what_another_service_rejects_is_listed_and_no_node_is_told(ingest: IngestAtWork) -> None:
    audio = ingest.event(wav())
    embedded = AudioEmbedded(audio_id=audio.audio_id, start=audio.start, model_id="yamnet")
    await ingest.publish(
        rejected(embedded.model_dump_json(), "audio.embedded", queue="al-engine.audio.embedded")
    )
    await ingest.publish(rejected(audio.model_dump_json(), "audio.recorded"))
    rows = await ingest.quarantined(2)
    assert {row["queue"] for row in rows} == {"al-engine.audio.embedded", "ingest.audio.recorded"}
    assert {row["audio_id"] for row in rows} == {audio.audio_id}
    await ingest.until_said(AudioRefused, audio)
    assert ingest.heard == [
        AudioRefused(
            audio_id=audio.audio_id,
            node="quay-1",
            sha256=audio.sha256,
            reason="It was no good: make it better.",
        )
    ]


async def test_text_that_postgresql_cannot_store_is_still_listed(ingest: IngestAtWork) -> None:
    await ingest.publish(rejected("a\0b", reason="a\0b", queue="a\0b"))
    [row] = await ingest.quarantined(1)
    assert row["body"] == row["reason"] == row["queue"] == "a\ufffdb"


async def test_a_rejection_without_a_proper_id_harms_no_other(ingest: IngestAtWork) -> None:
    bad, good = Message(rejected("words", message_id="7")), Message(rejected("words"))
    await Quarantine(ingest.on).keep([bad, good])
    assert (bad.verdict, good.verdict) == (Verdict.REJECT, Verdict.DONE)
    await ingest.quarantined(1)


def left_out(reason: str = "Input/output error", **changes: Any) -> SoundLeftOut:
    fields: dict[str, Any] = {
        "left_out_id": uuid4(),
        "node": "quay-1",
        "file_name": "card/dawn.wav",
        "reason": reason,
        "size_bytes": 44,
        "at": datetime.now(UTC),
    }
    return SoundLeftOut(**fields | changes)


async def test_what_a_node_leaves_out_is_listed_with_its_path_and_reason(ingest: IngestAtWork) -> None:
    whole, part = left_out(), left_out("is damaged there", from_s=10, to_s=20)
    doubt = left_out("says that it is longer", doubtful=True)
    await ingest.publish(whole, part, doubt)
    await ingest.quarantined(3)
    async with ingest.client() as client:
        listed = (await client.get("/api/quarantine")).json()
        state = (await client.get("/api/ingest")).json()
    told = {(row["kind"], row["file_name"], row["reason"], row["from_s"], row["to_s"]) for row in listed}
    assert told == {
        ("left_out", "card/dawn.wav", "Input/output error", None, None),
        ("left_out", "card/dawn.wav", "is damaged there", 10, 20),
        ("doubtful", "card/dawn.wav", "says that it is longer", None, None),
    }
    assert (state["refused"], state["left_out"], state["doubtful"], state["quarantined"]) == (0, 2, 1, 3)


async def test_what_is_left_out_again_keeps_its_one_row_with_the_last_word(ingest: IngestAtWork) -> None:
    first = left_out("Permission denied")
    later = first.model_copy(update={"reason": "Input/output error", "at": first.at + timedelta(seconds=1)})
    keep = LeftOut(ingest.on).keep
    await keep([Message(first), Message(first)])
    await keep([Message(later)])
    await keep([Message(first)])
    [row] = await ingest.quarantined(1)
    assert (row["reason"], row["message_id"]) == ("Input/output error", first.left_out_id)


async def test_what_a_node_leaves_out_by_a_clock_that_is_ahead_is_listed_as_of_now(
    ingest: IngestAtWork,
) -> None:
    await ingest.publish(left_out(at=datetime.now(UTC) + timedelta(days=400)))
    [row] = await ingest.quarantined(1)
    assert row["kind"] == "left_out"
    assert row["at"] <= datetime.now(UTC)


async def test_what_a_node_leaves_out_waits_until_the_node_is_registered(ingest: IngestAtWork) -> None:
    stranger, known = Message(left_out(node="raft-9")), Message(left_out())
    await LeftOut(ingest.on).keep([stranger, known])
    assert (stranger.verdict, known.verdict) == (Verdict.RETRY, Verdict.DONE)
    await ingest.quarantined(1)
