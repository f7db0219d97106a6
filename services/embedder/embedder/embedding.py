"""From cataloged audios to rows with embeddings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from embedder import store
from embedder.computing import Computing, EmbeddedAudio
from embedder.decode import Sound
from embedder.hearing import Hearing
from embedder.listing import listed
from embedder.metrics import Metrics
from embedder.models.model import EmbeddingModel
from embedder.models.opening import open_model
from embedder.store import Audio, AudioKey
from escolta.errors import EscoltaError, Rejected
from escolta.events import AudioCataloged, AudioEmbedded
from escolta.observe import tell_of
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

        1. Embed and save, as many audios at once as the model takes: a message may tell of several.
        2. A message of whose audios one cannot be had just now comes again; the others are embedded by then.
           What cannot be embedded at all is listed.
        """
        keys, size = (
            [key for message in messages for key in _keys(message.event)],
            self._on.settings.embed_batch,
        )
        failures: Failures = {}
        for at in range(0, len(keys), size):
            failures |= await self.embed(keys[at : at + size])
        for message in messages:
            for key in _keys(message.event):
                error = failures.get(key.audio_id)
                if error and not isinstance(error, Rejected):
                    message.retry(str(error))

    async def embed(self, keys: Sequence[AudioKey]) -> Failures:
        """Embed and save a batch; returns what went wrong, by audio.

        1. Claim what has no embedding and nobody else is at work on: an event may come twice.
        2. Fetch and decode; an audio that fails harms no other.
        3. Compute what is left, in one call.
        4. Save; list what cannot be embedded, before nobody would find it again; commit, publish.
        """
        async with (
            self._room,
            self._on.catalog.acquire() as connection,
            AsyncExitStack() as until_committed,
            connection.transaction(),
        ):
            audios, unknown = await store.claim(connection, self.model.model_id, keys)
            embedded, failures = await self._outcomes(audios)
            until_committed.enter_context(self.metrics.stage("write"))
            await store.save(connection, self.model.model_id, embedded)
            rejected = [
                (key, error) for key in keys if isinstance(error := failures.get(key.audio_id), Rejected)
            ]
            await store.save_failures(connection, self.model.model_id, rejected)
            failures |= {audio_id: Rejected("the catalog has no such audio") for audio_id in unknown}
            await self._list(audios, failures)
        self._count(len(keys), embedded, failures)
        tell_of(
            self._log,
            "embedded %d audios",
            (audio.audio_id for audio, _ in embedded),
            model_id=self.model.model_id,
        )
        for audio, _ in embedded:
            await self._on.bus.publish(
                AudioEmbedded(audio_id=audio.audio_id, start=audio.start, model_id=self.model.model_id)
            )
        return failures

    async def _outcomes(self, audios: Sequence[Audio]) -> tuple[list[tuple[Audio, EmbeddedAudio]], Failures]:
        """The embeddings that could be made, and what is wrong with the other audios."""
        failures: Failures = {}
        heard: list[tuple[Audio, Sound]] = []
        sounds = await self._hearing.hear(audios, self.model.rate_hz)
        for audio, sound in zip(audios, sounds, strict=True):
            if isinstance(sound, EscoltaError):
                failures[audio.audio_id] = sound
            else:
                heard.append((audio, sound))
        embedded: list[tuple[Audio, EmbeddedAudio]] = []
        outcomes = await self._in_thread(self._computing.embed, [sound.waveform for _, sound in heard])
        for (audio, sound), outcome in zip(heard, outcomes, strict=True):
            if isinstance(outcome, EscoltaError):
                failures[audio.audio_id] = outcome
            else:
                embedded.append((audio, replace(outcome, channels_heard=sound.channels_heard)))
        return embedded, failures

    async def _list(self, audios: Sequence[Audio], failures: Failures) -> None:
        """Tell ingest of what cannot be embedded."""
        known, now = {audio.audio_id: audio for audio in audios}, self._on.clock.now()
        for audio_id, error in failures.items():
            if isinstance(error, Rejected):
                rejection = listed(self.model.model_id, audio_id, known.get(audio_id), error, now)
                await self._on.bus.publish(rejection)

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


def _keys(event: AudioCataloged) -> list[AudioKey]:
    """Whom it tells of."""
    first = AudioKey(event.audio_id, event.start)
    return [first, *(AudioKey(audio.audio_id, audio.start) for audio in event.further)]
