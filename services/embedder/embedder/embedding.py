"""From cataloged audios to rows with embeddings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar
from uuid import UUID

from embedder import store
from embedder.computing import Computing, EmbeddedAudio
from embedder.hearing import Hearing
from embedder.metrics import Metrics
from embedder.models.model import EmbeddingModel, FloatArray
from embedder.models.opening import open_model
from embedder.store import Audio, AudioKey
from escolta.errors import EscoltaError, Rejected
from escolta.events import AudioCataloged, AudioEmbedded
from escolta.service import Message, Platform

BATCHES_AT_ONCE = 2
"""While the model computes one batch, the next is fetched and decoded and the last one written."""

T = TypeVar("T")
Failures = dict[UUID, EscoltaError]


class Embedding:
    """The model and the work with it. The model loads when the service starts, not when it is built."""

    model: EmbeddingModel

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("embedder")
        self.metrics = Metrics(on.metrics)
        self._hearing = Hearing(on, self.metrics, self._log)
        self._room = asyncio.Semaphore(BATCHES_AT_ONCE)
        # A model computes from one thread at a time, whoever asks.
        self._thread = ThreadPoolExecutor(1, "model")

    @asynccontextmanager
    async def loaded(self) -> AsyncIterator[None]:
        """Hold the model, with its row in the catalog, while the service is at work."""
        settings = self._on.settings
        self.model = await self._in_thread(open_model, settings.model, settings.cnn14_weights)
        self._computing = Computing(self.model, self.metrics, self._log)
        self.metrics.watch_device()
        await store.add_model(self._on.catalog, self.model)
        try:
            yield
        finally:
            self._hearing.close()
            self._thread.shutdown(cancel_futures=True)

    async def ready(self) -> str | None:
        """Why the model is of no use just now, or None."""
        return self._computing.unsound

    async def embed_cataloged(self, messages: Sequence[Message[AudioCataloged]]) -> None:
        """Embed the audios of a batch of events; each message gets its own verdict.

        1. Embed and save.
        2. A message whose audio cannot be embedded becomes a dead letter, with its reason; one whose audio
           cannot be had just now comes again.
        """
        failures = await self.embed(
            [AudioKey(message.event.audio_id, message.event.start) for message in messages]
        )
        for message in messages:
            error = failures.get(message.event.audio_id)
            if isinstance(error, Rejected):
                message.reject(str(error))
            elif error:
                message.retry(str(error))

    async def embed(self, keys: Sequence[AudioKey]) -> Failures:
        """Embed and save a batch; returns what went wrong, by audio.

        1. Claim what has no embedding and nobody else is at work on: an event may come twice.
        2. Fetch and decode; an audio that fails harms no other.
        3. Compute what is left, in one call.
        4. Save, commit, publish.
        """
        async with (
            self._room,
            self._on.catalog.acquire() as connection,
            AsyncExitStack() as until_committed,
            connection.transaction(),
        ):
            audios, unknown = await store.claim(connection, self.model.model_id, keys)
            embedded, failures = await self._outcomes(audios)
            failures |= {audio_id: Rejected("the catalog has no such audio") for audio_id in unknown}
            until_committed.enter_context(self.metrics.stage("write"))
            await store.save(connection, self.model.model_id, embedded)
            rejected = [
                (key, error) for key in keys if isinstance(error := failures.get(key.audio_id), Rejected)
            ]
            await store.save_failures(connection, self.model.model_id, rejected)
        self._count(len(keys), embedded, failures)
        for audio, _ in embedded:
            await self._on.bus.publish(
                AudioEmbedded(audio_id=audio.audio_id, start=audio.start, model_id=self.model.model_id)
            )
        return failures

    async def _outcomes(self, audios: Sequence[Audio]) -> tuple[list[tuple[Audio, EmbeddedAudio]], Failures]:
        """The embeddings that could be made, and what is wrong with the other audios."""
        failures: Failures = {}
        heard: list[tuple[Audio, FloatArray]] = []
        waveforms = await self._hearing.hear(audios, self.model.rate_hz)
        for audio, waveform in zip(audios, waveforms, strict=True):
            if isinstance(waveform, EscoltaError):
                failures[audio.audio_id] = waveform
            else:
                heard.append((audio, waveform))
        embedded: list[tuple[Audio, EmbeddedAudio]] = []
        outcomes = await self._in_thread(self._computing.embed, [waveform for _, waveform in heard])
        for (audio, _), outcome in zip(heard, outcomes, strict=True):
            if isinstance(outcome, EscoltaError):
                failures[audio.audio_id] = outcome
            else:
                embedded.append((audio, outcome))
        return embedded, failures

    def _count(
        self, wanted: int, embedded: Sequence[tuple[Audio, EmbeddedAudio]], failures: Failures
    ) -> None:
        self.metrics.audios.labels("embedded").inc(len(embedded))
        self.metrics.audios.labels("elsewhere").inc(wanted - len(embedded) - len(failures))
        for audio, _ in embedded:
            self.metrics.age_s.observe(max(0.0, audio.age_s))
        for error in failures.values():
            self.metrics.failed(error)

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
