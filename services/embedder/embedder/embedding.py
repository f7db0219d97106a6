"""From cataloged audios to rows with embeddings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from prometheus_client import Counter, Histogram

from embedder import store
from embedder.decode import decode
from embedder.model import EmbeddingModel, FloatArray, open_model
from embedder.store import Audio
from escolta.errors import EscoltaError, Rejected, Transient
from escolta.events import AudioCataloged, AudioEmbedded
from escolta.service import Message, Platform

FETCHES_AT_ONCE = 8
LOOKED_BACK = timedelta(days=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class Embedding:
    """The model and the work with it. The model loads when the service starts, not when it is built."""

    model: EmbeddingModel

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("embedder")
        # A model computes from one thread at a time, and decoding must not take the event loop.
        self._computing = ThreadPoolExecutor(1, "model")
        self._decoding = ThreadPoolExecutor(2, "decode")
        self._one_batch = asyncio.Lock()
        self._caught_up_once = False
        self._audios = Counter(
            "escolta_embedder_audios", "Audios, by outcome", ["outcome"], registry=on.metrics
        )
        self._seconds = Histogram(
            "escolta_embedder_seconds", "Seconds of a batch, by stage", ["stage"], registry=on.metrics
        )

    @asynccontextmanager
    async def loaded(self) -> AsyncIterator[None]:
        """Hold the model, with its row in the catalog, while the service is at work."""
        settings = self._on.settings
        self.model = await self._in(self._computing, open_model, settings.model, settings.cnn14_weights)
        await store.add_model(self._on.catalog, self.model)
        try:
            yield
        finally:
            self._computing.shutdown()
            self._decoding.shutdown()

    async def embed_cataloged(self, messages: Sequence[Message[AudioCataloged]]) -> None:
        """Embed the audios of a batch of events; each message gets its own verdict.

        1. Embed and save.
        2. A message whose audio cannot be embedded becomes a dead letter, with its reason; one whose audio
           cannot be had just now comes again.
        """
        events = [message.event for message in messages]
        failures = await self.embed(
            [Audio(event.audio_id, event.start, event.object_key) for event in events]
        )
        for message in messages:
            error = failures.get(message.event.audio_id)
            if isinstance(error, Transient):
                message.retry(str(error))
            elif error:
                message.reject(str(error))

    async def catch_up(self) -> None:
        """Embed what is cataloged and was missed: everything at the start, then what came in the last day."""
        since = self._on.clock.now() - LOOKED_BACK if self._caught_up_once else BEGINNING
        while audios := await store.waiting(
            self._on.catalog, self.model.model_id, since, self._on.settings.embed_batch
        ):
            failures = await self.embed(audios)
            for error in failures.values():
                if isinstance(error, Transient):
                    raise error
        self._caught_up_once = True

    async def embed(self, audios: Sequence[Audio]) -> dict[UUID, EscoltaError]:
        """Embed and save a batch; returns what went wrong, by audio.

        1. Leave out what is embedded already or stands here twice: an event may come twice.
        2. Fetch and decode; an audio that fails harms no other.
        3. Embed what is left, in one call.
        4. Save, commit, publish.
        """
        async with self._one_batch:
            done = await store.done(self._on.catalog, self.model.model_id, audios)
            wanted = list({audio.audio_id: audio for audio in audios if audio.audio_id not in done}.values())
            heard, failures = await self._hear(wanted)
            if heard:
                await self._save([audio for audio, _ in heard], [waveform for _, waveform in heard])
            for audio_id, error in failures.items():
                if isinstance(error, Rejected):
                    await store.save_failure(self._on.catalog, self.model.model_id, audio_id, str(error))
        self._audios.labels("embedded").inc(len(heard))
        self._audios.labels("failed").inc(len(failures))
        return failures

    async def _hear(
        self, audios: Sequence[Audio]
    ) -> tuple[list[tuple[Audio, FloatArray]], dict[UUID, EscoltaError]]:
        """The waveforms that could be had, and the errors of the others."""
        at_once = asyncio.Semaphore(FETCHES_AT_ONCE)

        async def hear(audio: Audio) -> FloatArray | EscoltaError:
            try:
                async with at_once:
                    data = await self._on.objects.get(audio.object_key)
                return await self._in(self._decoding, decode, data, self.model.rate_hz, audio.object_key)
            except EscoltaError as error:
                self._log.warning("cannot embed: %s", error, extra={"audio_id": audio.audio_id})
                return error

        with self._seconds.labels("fetch and decode").time():
            outcomes = await asyncio.gather(*[hear(audio) for audio in audios])
        heard: list[tuple[Audio, FloatArray]] = []
        failures: dict[UUID, EscoltaError] = {}
        for audio, outcome in zip(audios, outcomes, strict=True):
            if isinstance(outcome, EscoltaError):
                failures[audio.audio_id] = outcome
            else:
                heard.append((audio, outcome))
        return heard, failures

    async def _save(self, audios: Sequence[Audio], waveforms: Sequence[FloatArray]) -> None:
        with self._seconds.labels("model").time():
            embedded = await self._in(self._computing, self.model.embed, waveforms)
        with self._seconds.labels("write").time():
            await store.save(self._on.catalog, self.model.model_id, audios, embedded)
        for audio in audios:
            await self._on.bus.publish(
                AudioEmbedded(audio_id=audio.audio_id, start=audio.start, model_id=self.model.model_id)
            )

    @staticmethod
    async def _in(pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
