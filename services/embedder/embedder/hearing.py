"""From keys of the object store to waveforms: many at once, each for itself."""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from embedder.claims import require_bytes, require_shape
from embedder.decode import Sound, decode
from embedder.failure import Unfit
from embedder.metrics import Metrics
from embedder.store import Audio
from escolta.errors import EscoltaError, Transient, is_transient
from escolta.service import Platform

FETCHES_AT_ONCE = 8


class Hearing:
    """Fetches, decodes and resamples, in a pool of threads as large as the machine."""

    def __init__(self, on: Platform, metrics: Metrics, log: logging.Logger) -> None:
        self._on, self._metrics, self._log = on, metrics, log
        self._pool = ThreadPoolExecutor(os.cpu_count(), "decode")
        self._fetches = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def hear(self, audios: Sequence[Audio], rate_hz: int) -> list[Sound | EscoltaError]:
        """A sound at `rate_hz` for each audio, or what is wrong with it: none harms another."""
        return await asyncio.gather(*[self._hear_one(audio, rate_hz) for audio in audios])

    async def _hear_one(self, audio: Audio, rate_hz: int) -> Sound | EscoltaError:
        try:
            async with self._fetches:
                with self._metrics.stage("fetch"):
                    data = await self._on.objects.get(audio.object_key)
            work = partial(self._decoded, audio, data, rate_hz)
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except EscoltaError as error:
            self._log.warning("cannot embed: %s", error, extra={"audio_id": audio.audio_id})
            return error
        except OSError as error:
            if is_transient(error):
                return Transient(f"{audio.object_key} cannot be had just now: {error}")
            return Unfit("unreadable", f"{audio.object_key} cannot be read from the object store: {error}")

    def _decoded(self, audio: Audio, data: bytes, rate_hz: int) -> Sound:
        require_bytes(audio, data)
        require_shape(audio, data)
        return decode(data, rate_hz, audio.object_key, self._metrics)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
