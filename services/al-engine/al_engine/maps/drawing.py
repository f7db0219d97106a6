"""Draws iterations on maps: one at a time in the whole deployment, in a process of its own."""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from al_engine.catalog import windows
from al_engine.exact.audio_ids import ids_of, uuids
from al_engine.maps import store as map_store
from al_engine.maps.fit import Coordinates, place
from al_engine.maps.store import Drawable, Map, Point
from al_engine.method.partition import partition
from escolta.errors import Rejected
from escolta.service import Platform
from escolta.work import Doing, Work

MOST_POINTS = 20_000
MAPS = UUID("8f3e4c61-6f0a-4d0e-9a43-0f6f1c3f5d11")
LAST_WORDS = 5
FIT_SAYS = re.compile(r"(comparing|preparing|fitting) (\d+)/(\d+)")


class Maps:
    """What the al-engine does so that a lead can look at an iteration."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self.work = Work(map_store.MAPS, lambda: on.catalog, self._log, self._draw)

    async def request(self, iteration_id: UUID) -> None:
        """Ask for the map of an iteration that has run; asking twice is no harm."""
        await map_store.request(self._on.catalog, iteration_id)
        self.work.wake()

    async def _draw(self, doing: Doing) -> None:
        """1. Fit the map of the window, once. 2. Place what it lacks. 3. Write the disjoint sets.

        Killed anywhere, it begins again where a row is missing.
        """
        connection = doing.connection
        shown = await map_store.drawable(connection, doing.work_id)
        if shown is None:
            raise Rejected(f"the iteration {doing.work_id} has not run: there is nothing to draw yet")
        wanted = await map_store.must_show(connection, shown)
        made = await self._fitted(doing, shown, wanted)
        made = await self._grown(doing, shown, made, wanted)
        unlabeled = await windows.candidates(
            connection, shown.windows, shown.model_id, shown.cutoff, shown.number
        )
        sets = await asyncio.to_thread(_sets, made.audio_ids, unlabeled, shown.max_set)
        await map_store.finish(connection, doing.work_id, map_of(shown), sets)

    async def _fitted(self, doing: Doing, shown: Drawable, wanted: list[UUID]) -> Map:
        connection = doing.connection
        if made := await map_store.find(connection, map_of(shown)):
            return made
        await doing.tell("loading")
        must = await map_store.points_of(connection, shown, wanted)
        points = chosen(must, await map_store.sample(connection, shown, MOST_POINTS), MOST_POINTS)
        vectors = await self._vectors(shown, points)
        started = time.monotonic()
        coordinates = await self._fit(doing, vectors)
        seconds = time.monotonic() - started
        made = Map(_ids(points), coordinates, _top_classes(points), shown.audios, len(points))
        await map_store.save(
            connection, map_of(shown), shown.model_id, made, seconds, version("escolta-al-engine")
        )
        self._log.info(
            "fitted a map of %d audios in %.0f s",
            made.fitted,
            seconds,
            extra={"iteration_id": shown.iteration_id},
        )
        return made

    async def _vectors(self, shown: Drawable, points: Sequence[Point]) -> NDArray[np.float32]:
        """Embeddings `[points, dim]`, all of them finite."""
        starts = [point.start for point in points]
        found = await windows.vectors(self._on.catalog, shown.model_id, shown.dim, _ids(points), starts)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(bad):
            raise Rejected(f"the embedding of audio {points[bad[0]].audio_id} is not finite: embed it again")
        return found

    async def _fit(self, doing: Doing, vectors: NDArray[np.float32]) -> Coordinates:
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
                    words = line.decode(errors="replace").rstrip()
                    if progress := FIT_SAYS.fullmatch(words):
                        stage, done, total = progress.groups()
                        await doing.tell(stage, int(done), int(total))
                    else:
                        last_words = [*last_words, words][-LAST_WORDS:]
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

    async def _grown(self, doing: Doing, shown: Drawable, made: Map, wanted: list[UUID]) -> Map:
        """The map with the audios of this iteration that came after it was fitted, or out of its sample."""
        connection = doing.connection
        missing = await map_store.points_of(connection, shown, set(wanted) - set(made.audio_ids))
        if not missing:
            return made
        await doing.tell("placing")
        fitted = made.audio_ids[: made.fitted]
        there = await map_store.points_of(connection, shown, fitted)
        row_of = {audio_id: row for row, audio_id in enumerate(fitted)}
        rows = [row_of[audio_id] for audio_id in _ids(there)]
        vectors, mapped = await self._vectors(shown, missing), await self._vectors(shown, there)
        placed = await asyncio.to_thread(place, vectors, mapped, made.coordinates[rows])
        grown = Map(
            made.audio_ids + _ids(missing),
            np.concatenate([made.coordinates, placed]),
            np.concatenate([made.top_classes, _top_classes(missing)]),
            made.audios,
            made.fitted,
        )
        await map_store.save(
            connection, map_of(shown), shown.model_id, grown, 0, version("escolta-al-engine")
        )
        return grown


def map_of(shown: Drawable) -> UUID:
    """The id of a map follows from what it shows: one a model and windows."""
    bounds = sorted(
        json.dumps(window.model_dump(mode="json") | {"nodes": sorted(window.nodes)})
        for window in shown.windows
    )
    return uuid5(MAPS, json.dumps([shown.model_id, bounds]))


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
