"""Draws iterations on maps: one at a time in the whole deployment, in a process of its own."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from uuid import UUID, uuid5

import asyncpg
import numpy as np
from numpy.typing import NDArray

from al_engine import map_store
from al_engine.map_fit import Coordinates, place
from al_engine.map_store import AudioKey, Drawable, Map, Vectors
from al_engine.partition import partition
from escolta.errors import EscoltaError, Rejected
from escolta.service import Platform

MOST_POINTS = 20_000
CATCH_UP_S = 60.0
MAPS = UUID("8f3e4c61-6f0a-4d0e-9a43-0f6f1c3f5d11")
LAST_WORDS = 5


class Maps:
    """What the al-engine does so that a lead can look at an iteration."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self._asked = asyncio.Event()

    async def request(self, iteration_id: UUID) -> None:
        """Ask for the map of an iteration that has run; asking twice is no harm."""
        await map_store.request(self._on.catalog, iteration_id)
        self._asked.set()

    async def work(self) -> None:
        """Draw what is asked for, for ever: at once here, within a minute where another process was asked."""
        while True:
            self._asked.clear()
            await self.draw_requested()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), CATCH_UP_S)

    async def draw_requested(self) -> None:
        """Draw every iteration that waits, unless another process is at it: it will draw them all."""
        async with self._on.catalog.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", map_store.ONE_MAP):
                return
            try:
                while iteration_id := await map_store.next_requested(connection):
                    await self._draw(connection, iteration_id)
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", map_store.ONE_MAP)

    async def _draw(self, connection: asyncpg.Connection, iteration_id: UUID) -> None:
        """1. Fit the map of the window, once. 2. Place what it lacks. 3. Write the disjoint sets.

        Killed anywhere, it begins again where a row is missing.
        """
        try:
            of = await map_store.drawable(connection, iteration_id)
            if of is None:
                raise Rejected(f"the iteration {iteration_id} has not run: there is nothing to draw yet")
            wanted = await map_store.must_show(connection, of)
            made = await self._fitted(connection, of, wanted)
            made = await self._grown(connection, of, made, wanted)
            unlabeled = await map_store.unlabeled(connection, of)
            sets = await asyncio.to_thread(_sets, made.audio_ids, unlabeled, of.max_set)
            await map_store.finish(connection, iteration_id, map_of(of), sets)
        except EscoltaError as error:
            self._log.error("no map: %s", error, extra={"iteration_id": iteration_id})
            await map_store.fail(connection, iteration_id, str(error))

    async def _fitted(self, connection: asyncpg.Connection, of: Drawable, wanted: list[AudioKey]) -> Map:
        if made := await map_store.find(connection, map_of(of)):
            return made
        await map_store.tell(connection, of.iteration_id, "loading", 0)
        sample = await map_store.sample(connection, of, MOST_POINTS)
        keys = chosen(wanted, sample, MOST_POINTS)
        found = await map_store.vectors(connection, of, keys)
        _check_finite(found)
        started = time.monotonic()
        coordinates = await self._fit(connection, of.iteration_id, found.vectors)
        seconds = time.monotonic() - started
        made = Map(found.audio_ids, coordinates, found.top_classes, of.audios, len(found.audio_ids))
        await map_store.save(connection, map_of(of), of.model_id, made, seconds, version("escolta-al-engine"))
        self._log.info(
            "fitted a map of %d audios in %.0f s",
            made.fitted,
            seconds,
            extra={"iteration_id": of.iteration_id},
        )
        return made

    async def _fit(
        self, connection: asyncpg.Connection, iteration_id: UUID, vectors: NDArray[np.float16]
    ) -> Coordinates:
        await map_store.tell(connection, iteration_id, "fitting", 0)
        with tempfile.TemporaryDirectory(prefix="escolta-map-") as folder:
            given, answer = Path(folder, "vectors.npy"), Path(folder, "coordinates.npy")
            await asyncio.to_thread(np.save, given, vectors)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "al_engine.map_fit", str(given), str(answer)),
                env=self._environment(),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            last_words: list[str] = []
            try:
                assert process.stdout
                async for line in process.stdout:
                    try:
                        share_done = float(line)
                    except ValueError:
                        last_words = [*last_words, line.decode(errors="replace").rstrip()][-LAST_WORDS:]
                    else:
                        await map_store.tell(connection, iteration_id, "fitting", share_done)
                if await process.wait():
                    words = " ".join(last_words) or "it said nothing"
                    raise Rejected(f"the fit ended with {process.returncode}: {words}")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            return await asyncio.to_thread(np.load, answer)

    def _environment(self) -> dict[str, str]:
        """That of this process without its secrets; what numba compiles is kept where we may write."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ESCOLTA_")}
        cache = self._on.settings.state_dir / "al-engine" / "numba"
        return {"NUMBA_CACHE_DIR": str(cache.absolute())} | ours

    async def _grown(
        self, connection: asyncpg.Connection, of: Drawable, made: Map, wanted: list[AudioKey]
    ) -> Map:
        """The map with the audios of this iteration that came after it was fitted, or out of its sample."""
        there = set(made.audio_ids)
        missing = [key for key in wanted if key.audio_id not in there]
        if not missing:
            return made
        found = await map_store.vectors(connection, of, missing)
        if not found.audio_ids:
            return made
        _check_finite(found)
        await map_store.tell(connection, of.iteration_id, "placing", 0)
        fitted = made.audio_ids[: made.fitted]
        mapped = await map_store.vectors(connection, of, await map_store.keys_of(connection, of, fitted))
        where = {audio_id: row for row, audio_id in enumerate(fitted)}
        rows = [where[audio_id] for audio_id in mapped.audio_ids]
        placed = await asyncio.to_thread(place, found.vectors, mapped.vectors, made.coordinates[rows])
        grown = Map(
            made.audio_ids + found.audio_ids,
            np.concatenate([made.coordinates, placed]),
            np.concatenate([made.top_classes, found.top_classes]),
            made.audios,
            made.fitted,
        )
        await map_store.save(connection, map_of(of), of.model_id, grown, 0, version("escolta-al-engine"))
        return grown


def map_of(of: Drawable) -> UUID:
    """The id of a map follows from what it shows: one a model and window."""
    facts = [of.model_id, sorted(of.nodes), of.window_start.isoformat(), of.window_end.isoformat()]
    return uuid5(MAPS, json.dumps(facts))


def chosen(wanted: Sequence[AudioKey], sample: Sequence[AudioKey], limit: int) -> list[AudioKey]:
    """All of `wanted`, and of `sample`, in its order, as many as `limit` leaves room for."""
    must = set(wanted)
    others = [key for key in sample if key not in must]
    return sorted(must) + others[: max(0, limit - len(must))]


def _check_finite(found: Vectors) -> None:
    bad = np.flatnonzero(~np.isfinite(found.vectors).all(axis=1))
    if len(bad):
        raise Rejected(f"the embedding of audio {found.audio_ids[bad[0]]} is not finite: embed it again")


def _sets(audio_ids: Sequence[UUID], unlabeled: map_store.Unlabeled, max_set: int) -> NDArray[np.uint16]:
    """uint16 `[audios]`: the disjoint set of each, from 1; 0 for an audio that was not in U."""
    numbers: dict[UUID, int] = {}
    parts = partition(unlabeled.top_classes, unlabeled.top_probabilities, max_set)
    for number, members in enumerate(parts, 1):
        numbers |= dict.fromkeys((unlabeled.audio_ids[row] for row in members), number)
    return np.array([numbers.get(audio_id, 0) for audio_id in audio_ids], np.uint16)
