"""What the embedder counts: outcomes, and failures by their kind."""

import errno
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from unit.embedder.at_work import EmbedderAtWork, another, tone

from embedder.models.model import Embedded, FloatArray
from embedder.models.placeholder import Placeholder
from embedder.store import AudioKey
from escolta.errors import Misconfigured, Transient

OUTCOMES = ("embedded", "failed", "later", "elsewhere")
KINDS = ("missing", "unreadable", "undecodable", "not_finite", "model", "memory", "unreachable")


class Double(Placeholder):
    """Under an id of its own, so that the embedder at work is at no audio of its."""

    model_id = "double-1"


class Nan(Double):
    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        embedded = super().embed(waveforms)
        for row, waveform in enumerate(waveforms):
            if waveform.any():  # not of silence
                embedded.vectors[row] = np.nan
        return embedded


class Failing(Double):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        if any(waveform.any() for waveform in waveforms):
            raise self._error
        return super().embed(waveforms)


def counted(registry: CollectorRegistry, name: str, label: str, values: Sequence[str]) -> list[str]:
    """The label's values that were counted at least once."""
    return [value for value in values if registry.get_sample_value(name, {label: value})]


@pytest.mark.parametrize(
    ("content", "model", "outcome", "kind"),
    [
        (None, Double, "failed", "missing"),
        (b"", Double, "failed", "undecodable"),
        (b"no sound at all", Double, "failed", "undecodable"),
        (tone(440), Nan, "failed", "not_finite"),
        (tone(440), lambda: Failing(ValueError("no such sound")), "failed", "model"),
        (tone(440), lambda: Failing(MemoryError("Unable to allocate 3.00 GiB")), "later", "memory"),
    ],
)
async def test_a_failure_is_counted_by_its_kind(
    embedder: EmbedderAtWork, content: bytes | None, model: Callable[[], Placeholder], outcome: str, kind: str
) -> None:
    assert await outcome_and_kind(embedder, content, model()) == ([outcome], [kind])


@pytest.mark.parametrize(
    ("error", "outcome", "kind"),
    [
        (Transient("away"), "later", "unreachable"),
        (Misconfigured("no key"), "later", "unreachable"),
        (OSError("reset"), "later", "unreachable"),
        (OSError(errno.EIO, "Input/output error"), "failed", "unreadable"),
    ],
)
async def test_an_object_that_cannot_be_had_is_counted_by_whether_it_comes_again(
    embedder: EmbedderAtWork, monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str, kind: str
) -> None:
    async def away(key: str) -> bytes:
        raise error

    monkeypatch.setattr(embedder.on.objects, "get", away)
    assert await outcome_and_kind(embedder, tone(440), Double()) == ([outcome], [kind])


async def outcome_and_kind(
    embedder: EmbedderAtWork, content: bytes | None, model: Placeholder
) -> tuple[list[str], list[str]]:
    """What was counted when one audio was embedded by the model."""
    event = await embedder.catalog(0, content)
    async with another(embedder, model) as one:
        await one.embed([AudioKey(event.audio_id, event.start)])
    return (
        counted(one._on.metrics, "escolta_embedder_audios_total", "outcome", OUTCOMES),
        counted(one._on.metrics, "escolta_embedder_failures_total", "kind", KINDS),
    )


async def test_the_time_to_write_includes_the_commit(embedder: EmbedderAtWork) -> None:
    event = await embedder.catalog(0, None)
    await embedder.on.catalog.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON audio.embedding_failures"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    async with another(embedder, Double()) as one:
        await one.embed([AudioKey(event.audio_id, event.start)])
    seconds = one._on.metrics.get_sample_value("escolta_embedder_stage_seconds_sum", {"stage": "write"})
    assert seconds is not None
    assert seconds > 0.5
