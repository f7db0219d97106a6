"""From an iteration's inputs to its proposals: what runs, runs again after a crash, and is replayed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import asyncpg
import numpy as np
from numpy.typing import NDArray

from al_engine.catalog import windows
from al_engine.catalog.windows import Candidates
from al_engine.exact.audio_ids import ids_of
from al_engine.exact.distances import KnownNearest
from al_engine.iterations import distance_cache
from al_engine.iterations.inputs import Inputs
from al_engine.iterations.suggestions import SUGGESTED
from al_engine.method.committee import Classes, likeliest
from al_engine.method.earlier import Earlier
from al_engine.method.selection import Judged, Selection, Unlabeled, select

T = TypeVar("T")


class Watch(Protocol):
    """Who wants to know how far an iteration has come."""

    def stage(self, name: str) -> AbstractContextManager[object]: ...

    async def tell(self, stage: str, done: int | None = None, total: int | None = None) -> None: ...


class NoWatch:
    """The `Watch` of a run that nobody waits for."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        return nullcontext()

    async def tell(self, stage: str, done: int | None = None, total: int | None = None) -> None:
        pass


@dataclass(frozen=True)
class Outcome:
    """What an iteration chose, and from what. `selection.judged` are rows of `candidates`.

    `suggested [proposals, up to 3]`: classes that each proposal probably has, the likeliest first; None where
    the iteration suggests none, and while there are fewer than two classes.
    """

    candidates: Candidates
    selection: Selection
    suggested: Classes | None = None

    def judged_sets(self) -> list[Judged]:
        """What the committee said of the disjoint sets, without the control arm."""
        has_arm = any(proposal.control for proposal in self.selection.proposals)
        return self.selection.judged[: -1 if has_arm else None]


async def propose(
    pool: asyncpg.Pool,
    inputs: Inputs,
    watch: Watch,
    cache_folder: Path | None = None,
    digest: bytes | None = None,
) -> Outcome:
    """Algorithm steps 1 to 4, and what is suggested for each proposal; off the event loop where they compute.

    `cache_folder`: of the distance cache; none: everything is computed. `digest`: what the set U must be.
    Raises `Rejected` for a damaged or absent embedding, and `ChangedAudios` where U is another one.
    """
    medoids = inputs.medoids
    with watch.stage("window"):
        await watch.tell("window")
        async with pool.acquire() as connection:
            found = await windows.candidates(
                connection, inputs.windows, inputs.model_id, inputs.cutoff, inputs.number
            )
    if digest is not None and found.digest() != digest:
        raise ChangedAudios(len(found))

    async def fetch(stage: str, audio_ids: list, starts: list) -> NDArray[np.float32]:
        async def tell(done: int, total: int) -> None:
            await watch.tell(stage, done, total)

        with watch.stage(stage):
            return await windows.vectors(pool, inputs.model_id, inputs.dim, audio_ids, starts, tell)

    medoid_vectors, earlier = await _labeled(inputs, fetch)
    medoid_ids = ids_of(medoids.audio_ids)
    path = cache_folder and distance_cache.path_of(cache_folder, inputs.model_id, inputs.windows)
    known = await asyncio.to_thread(distance_cache.read, path) if path and len(medoids) else None
    loop = asyncio.get_running_loop()

    def wait_for(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def load(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        embeddings = wait_for(fetch("embeddings", *found.keys(rows)))
        wait_for(watch.tell("select"))
        return embeddings

    def known_of(rows: NDArray[np.intp]) -> KnownNearest | None:
        return known.of(found.ids[rows], medoid_ids) if known else None

    unlabeled = Unlabeled(found.ids, found.top_classes, found.top_probabilities, load, known_of)
    with watch.stage("select"):
        await watch.tell("select")
        selection = await asyncio.to_thread(
            select, unlabeled, medoid_vectors, medoids.classes, inputs.settings, earlier
        )
    if path and selection.judged:
        now = distance_cache.distances_of(selection.judged, found.ids, medoid_ids)
        await asyncio.to_thread(distance_cache.write, path, now)
    if not inputs.suggesting or not selection.proposals:
        return Outcome(found, selection)
    with watch.stage("suggest"):
        ids = [proposal.audio_id for proposal in selection.proposals]
        proposed = await fetch("embeddings", ids, found.starts_of(ids))
        await watch.tell("suggest")
        heard = (medoid_vectors, medoids.classes, earlier.unresolved)
        suggested = await asyncio.to_thread(likeliest, *heard, proposed, SUGGESTED)
    return Outcome(found, selection, suggested)


async def _labeled(
    inputs: Inputs, fetch: Callable[[str, list, list], Awaitable[NDArray[np.float32]]]
) -> tuple[NDArray[np.float32], Earlier]:
    """Embeddings of the medoids, `[medoids, dim]`, and of what else earlier batches have left."""
    parts = (inputs.medoids, inputs.unresolved, inputs.open_proposals)
    found = await fetch(
        "medoids",
        [audio_id for part in parts for audio_id in part.audio_ids],
        [start for part in parts for start in part.starts],
    )
    medoids, unresolved, open_proposals = np.split(found, np.cumsum([len(part) for part in parts[:-1]]))
    return medoids, Earlier(unresolved, open_proposals)


class ChangedAudios(Exception):
    """The set U is not the one that an iteration chose from; it has `now` audios."""

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.now = now
