"""Every fact that crosses a boundary between services, in one place.

An event class carries its topic; its docstring begins `producer -> consumer.` What a node says has a topic
that ends in the node's name: it says who speaks, the broker lets nobody else publish there, and a message
whose topic is not its event's own is refused. Optional fields may be added; a changed meaning is a new class.
Events are hints: the row that an event tells of is committed before the event is published, and a consumer
that missed it finds the row by itself.
Audio never travels in a message: events carry its object key.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from escolta.fields import (
    BIGINT,
    INTEGER,
    SMALLINT,
    Body,
    Count,
    FileName,
    Headers,
    Hours,
    NodeName,
    Nodes,
    ObjectKey,
    Percent,
    Positive,
    Quoted,
    Seconds,
    Sentence,
    Sha256,
    Url,
    UtcTime,
    Word,
    utc,
)

MOST_CATALOGED = 8
"""Audios in one message: most of what there is to save, and little for one embedder to hold (ours)."""

AUDIO_NAMESPACE = uuid5(NAMESPACE_URL, "escolta:audio")


def audio_id_of(node: str, start: datetime) -> UUID:
    """The id that a node gives to the audio it began to record at `start`: the key of every write."""
    return uuid5(AUDIO_NAMESPACE, f"{node}/{utc(start).isoformat(timespec='microseconds')}")


class Event(BaseModel):
    """A fact that has happened. Frozen, JSON on the wire, one topic a class."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    topic: ClassVar[str]
    asked_for_again: ClassVar[bool] = False
    """Whoever waits for it asks again: the broker need not write it to its disk, to have it after a crash."""

    def routing_key(self) -> str:
        """The topic with its `{field}` places filled in from this event."""
        return self.topic.format_map(vars(self))


ClockState = Literal["synchronized", "unsynchronized", "unknown"]


class AudioRecorded(Event):
    """node-agent -> ingest. A node has one audio in its spool and keeps it until `AudioAccepted`.

    Said before its bytes are uploaded, and again after, with `stored`: ingest answers by the state of things.
    """

    topic: ClassVar[str] = "audio.recorded.{node}"
    audio_id: UUID
    node: NodeName
    start: UtcTime = Field(description="time of the first sample")
    samples: int = Field(ge=0, le=BIGINT, description="samples in each channel")
    rate_hz: int = Field(gt=0, le=INTEGER)
    channels: int = Field(gt=0, le=SMALLINT)
    bits_per_sample: int = Field(gt=0, le=SMALLINT)
    object_key: ObjectKey
    sha256: Sha256 = Field(description="digest of the object's bytes")
    size_bytes: int | None = Field(None, ge=0, le=BIGINT, description="of the object")
    file_name: FileName = Field(description="name of the recording at its source")
    clock_state: Literal["synchronized", "unsynchronized", "unknown"] = "unknown"
    stored: bool | None = Field(None, description="whether the node has uploaded it; none: it does not know")


class AudioAccepted(Event):
    """ingest -> node-agent. The audio is cataloged and committed: the node may forget its file."""

    topic: ClassVar[str] = "audio.accepted.{node}"
    asked_for_again: ClassVar[bool] = True
    audio_id: UUID
    node: NodeName
    sha256: Sha256 = Field(description="digest of the audio that is answered: the node heeds no other")


class UploadGranted(Event):
    """ingest -> node-agent. The audio is not in the store yet: the node may upload it now, once."""

    topic: ClassVar[str] = "upload.granted.{node}"
    asked_for_again: ClassVar[bool] = True
    audio_id: UUID
    node: NodeName
    sha256: Sha256 = Field(description="digest of the audio that is answered: the node heeds no other")
    url: Url = Field(
        repr=False, description="where to PUT the bytes; empty: the node writes to the store it has itself"
    )
    headers: Headers
    good_for_s: Positive


class AudioHeld(Event):
    """ingest -> node-agent. Time will mend what keeps the audio out: the node keeps it, and asks again."""

    topic: ClassVar[str] = "audio.held.{node}"
    asked_for_again: ClassVar[bool] = True
    audio_id: UUID
    node: NodeName
    sha256: Sha256 = Field(description="digest of the audio that is answered: the node heeds no other")
    kind: Literal["unknown_node", "clock", "policy"] = Field(
        description="clock: the audio waits; of an unknown node, or by its policy, everything does"
    )
    reason: Sentence


class AudioRefused(Event):
    """ingest -> node-agent. The audio is in the quarantine list: the node sets its file aside."""

    topic: ClassVar[str] = "audio.refused.{node}"
    asked_for_again: ClassVar[bool] = True
    audio_id: UUID
    node: NodeName
    sha256: Sha256 = Field(description="digest of the audio that is answered: the node heeds no other")
    reason: Sentence


class NodeStatus(Event):
    """node-agent -> ingest. What a node knows of itself."""

    topic: ClassVar[str] = "node.status.{node}"
    node: NodeName
    at: UtcTime
    spooled: Count = Field(description="audios that wait in the node's spool")
    free_bytes: int = Field(ge=0, le=BIGINT, description="free space where the spool lies")
    version: Word
    source_done: bool = Field(False, description="the source has ended: nothing more will be recorded")
    source: Sentence = Field("", description="what the source holds, in a sentence")
    recorded: int | None = Field(
        None, ge=0, le=BIGINT, description="audios put into the spool since the node was started"
    )
    clock_state: ClockState = "unknown"
    run_id: UUID | None = Field(None, description="drawn anew at each start of the node")
    number: int | None = Field(
        None,
        ge=0,
        le=BIGINT,
        description="of the status since that start: its order, whatever the clock says",
    )


class SoundLeftOut(Event):
    """node-agent -> ingest. Sound at a node's source does not become an audio, or does with a doubt.

    It may be a file, a part of one, or a folder. Told again, the id is the same, and the last word counts.
    """

    topic: ClassVar[str] = "sound.left-out.{node}"
    left_out_id: UUID = Field(description="the same for the same file and place, however often it is told")
    node: NodeName
    file_name: FileName = Field(description="path within the source")
    reason: Sentence
    from_s: Seconds | None = Field(None, description="none: the whole file")
    to_s: Seconds | None = Field(None, description="none: to its end")
    size_bytes: int | None = Field(None, ge=0, le=BIGINT, description="of the file, where it is known")
    doubtful: bool = Field(False, description="the sound is taken all the same: the reason is a doubt")
    at: UtcTime


class MessageRejected(Event):
    """every service -> ingest. A message became a dead letter; it belongs in the quarantine list."""

    topic: ClassVar[str] = "message.rejected"
    queue: Quoted
    message_topic: Quoted
    reason: Sentence
    body: Body = Field(description="the message as it came, cut to 10,000 characters")
    message_id: Word
    attempts: Count
    at: UtcTime


class AlsoCataloged(BaseModel):
    """Another audio that has a row now."""

    model_config = ConfigDict(frozen=True)
    audio_id: UUID
    start: UtcTime


class AudioCataloged(Event):
    """ingest -> embedder. An audio has a row in the catalog, and so have those that came with it."""

    topic: ClassVar[str] = "audio.cataloged"
    audio_id: UUID
    start: UtcTime
    object_key: ObjectKey
    further: Annotated[
        tuple[AlsoCataloged, ...],
        Field(max_length=MOST_CATALOGED - 1, description="audios that came with it"),
    ] = ()


class AudioEmbedded(Event):
    """embedder -> al-engine. An audio has an embedding by this model."""

    topic: ClassVar[str] = "audio.embedded"
    audio_id: UUID
    start: UtcTime
    model_id: Word


class Window(BaseModel):
    """The audios of some nodes between two moments, at some hours of the day."""

    model_config = ConfigDict(frozen=True)
    nodes: Nodes = ()
    window_start: UtcTime
    window_end: UtcTime = Field(description="not in the window itself")
    hours: Hours | None = None


FurtherWindows = Annotated[tuple[Window, ...], Field(max_length=52, description="united with the first")]


class IterationRequested(Event):
    """al-engine -> al-engine. Somebody, or the schedule, wants a batch out of a window, or of several."""

    topic: ClassVar[str] = "iteration.requested"
    iteration_id: UUID
    nodes: Nodes = ()
    window_start: UtcTime
    window_end: UtcTime = Field(description="not in the window itself")
    hours: Hours | None = None
    further_windows: FurtherWindows = ()
    strategy: Word | None = Field(None, description="none: the al-engine's setting")
    scheduled_for: UtcTime | None = Field(None, description="when the schedule had it due")
    batch: Positive = Field(description="audios to propose")
    follow_ups: Count = Field(
        0, description="how many further iterations start by themselves, one as each closes"
    )


class BatchProposed(Event):
    """al-engine -> label-gateway. The proposals of an iteration are committed."""

    topic: ClassVar[str] = "batch.proposed"
    iteration_id: UUID
    audios: Count


class AudioLabeled(Event):
    """label-gateway -> al-engine. A group is done with an audio: its agreed class, or none."""

    topic: ClassVar[str] = "audio.labeled"
    iteration_id: UUID
    audio_id: UUID
    label: Word | None = Field(description="the agreed class; none where there is no agreement")
    labelers: Count
    agreement_percent: Percent


class IterationClosed(Event):
    """label-gateway -> al-engine. Every group is done with every audio of the batch."""

    topic: ClassVar[str] = "iteration.closed"
    iteration_id: UUID


EVENTS: tuple[type[Event], ...] = (
    AudioRecorded,
    AudioAccepted,
    UploadGranted,
    AudioHeld,
    AudioRefused,
    NodeStatus,
    SoundLeftOut,
    MessageRejected,
    AudioCataloged,
    AudioEmbedded,
    IterationRequested,
    BatchProposed,
    AudioLabeled,
    IterationClosed,
)
