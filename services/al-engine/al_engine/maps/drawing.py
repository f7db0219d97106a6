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

from al_engine.catalog import windows
from al_engine.exact.audio_ids import ids_of, uuids
from al_engine.maps import store as map_store
from al_engine.maps.fit import Coordinates, place
from al_engine.maps.store import Drawable, Map, Point
from al_engine.method.partition import partition
from escolta.errors import EscoltaError, Rejected
from escolta.service import Platform
from escolta.work import was_cut_off

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
                async with asyncio.timeout(CATCH_UP_S):
                    await self._asked.wait()

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
            unlabeled = await windows.candidates(connection, of.windows, of.model_id, of.cutoff, of.number)
            sets = await asyncio.to_thread(_sets, made.audio_ids, unlabeled, of.max_set)
            await map_store.finish(connection, iteration_id, map_of(of), sets)
        except Exception as error:
            if was_cut_off(error):
                raise
            # Whatever it is, the maps that wait behind it must have their turn.
            unexpected = None if isinstance(error, EscoltaError) else error
            self._log.error("no map: %s", error, exc_info=unexpected, extra={"iteration_id": iteration_id})
            await map_store.fail(connection, iteration_id, str(error) or type(error).__name__)

    async def _fitted(self, connection: asyncpg.Connection, of: Drawable, wanted: list[UUID]) -> Map:
        if made := await map_store.find(connection, map_of(of)):
            return made
        await map_store.tell(connection, of.iteration_id, "loading", 0)
        must = await map_store.points_of(connection, of, wanted)
        points = chosen(must, await map_store.sample(connection, of, MOST_POINTS), MOST_POINTS)
        vectors = await self._vectors(of, points)
        started = time.monotonic()
        coordinates = await self._fit(connection, of.iteration_id, vectors)
        seconds = time.monotonic() - started
        made = Map(_ids(points), coordinates, _top_classes(points), of.audios, len(points))
        await map_store.save(connection, map_of(of), of.model_id, made, seconds, version("escolta-al-engine"))
        self._log.info(
            "fitted a map of %d audios in %.0f s",
            made.fitted,
            seconds,
            extra={"iteration_id": of.iteration_id},
        )
        return made

    async def _vectors(self, of: Drawable, points: Sequence[Point]) -> NDArray[np.float32]:
        """Embeddings `[points, dim]`, all of them finite."""
        starts = [point.start for point in points]
        found = await windows.vectors(self._on.catalog, of.model_id, of.dim, _ids(points), starts)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(bad):
            raise Rejected(f"the embedding of audio {points[bad[0]].audio_id} is not finite: embed it again")
        return found

    async def _fit(
        self, connection: asyncpg.Connection, iteration_id: UUID, vectors: NDArray[np.float32]
    ) -> Coordinates:
        await map_store.tell(connection, iteration_id, "fitting", 0)
        with tempfile.TemporaryDirectory(prefix="escolta-map-") as folder:
            given, answer = Path(folder, "vectors.npy"), Path(folder, "coordinates.npy")
            await asyncio.to_thread(np.save, given, vectors)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "al_engine.maps.fit", str(given), str(answer)),
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
        self, connection: asyncpg.Connection, of: Drawable, made: Map, wanted: list[UUID]
    ) -> Map:
        """The map with the audios of this iteration that came after it was fitted, or out of its sample."""
        missing = await map_store.points_of(connection, of, set(wanted) - set(made.audio_ids))
        if not missing:
            return made
        await map_store.tell(connection, of.iteration_id, "placing", 0)
        fitted = made.audio_ids[: made.fitted]
        there = await map_store.points_of(connection, of, fitted)
        row_of = {audio_id: row for row, audio_id in enumerate(fitted)}
        rows = [row_of[audio_id] for audio_id in _ids(there)]
        vectors, mapped = await self._vectors(of, missing), await self._vectors(of, there)
        placed = await asyncio.to_thread(place, vectors, mapped, made.coordinates[rows])
        grown = Map(
            made.audio_ids + _ids(missing),
            np.concatenate([made.coordinates, placed]),
            np.concatenate([made.top_classes, _top_classes(missing)]),
            made.audios,
            made.fitted,
        )
        await map_store.save(connection, map_of(of), of.model_id, grown, 0, version("escolta-al-engine"))
        return grown


def map_of(of: Drawable) -> UUID:
    """The id of a map follows from what it shows: one a model and windows."""
    shown = sorted(
        json.dumps(window.model_dump(mode="json") | {"nodes": sorted(window.nodes)}) for window in of.windows
    )
    return uuid5(MAPS, json.dumps([of.model_id, shown]))


def chosen(must: Sequence[Point], sample: Sequence[Point], limit: int) -> list[Point]:
    """All that must be shown, and of `sample`, in its order, as many as `limit` leaves room for."""
    first = set(must)
    others = [point for point in sample if point not in first]
    return sorted(first) + others[: max(0, limit - len(first))]


def _ids(points: Sequence[Point]) -> list[UUID]:
    return [point.audio_id for point in points]


def _top_classes(points: Sequence[Point]) -> NDArray[np.int16]:
    return np.array([point.top_class for point in points], np.int16)


def _sets(audio_ids: Sequence[UUID], unlabeled: windows.Candidates, max_set: int) -> NDArray[np.uint16]:
    """uint16 `[audios]`: the disjoint set of each, from 1; 0 for an audio that was not in U."""
    set_of = np.zeros(len(unlabeled), np.uint16)
    parts = partition(unlabeled.top_classes, unlabeled.top_probabilities, max_set)
    for number, members in enumerate(parts, 1):
        set_of[members] = number
    shown = np.flatnonzero(np.isin(unlabeled.ids[:, 0], ids_of(audio_ids)[:, 0]))
    numbers = dict(zip(uuids(unlabeled.ids[shown]), set_of[shown].tolist(), strict=True))
    return np.array([numbers.get(audio_id, 0) for audio_id in audio_ids], np.uint16)
