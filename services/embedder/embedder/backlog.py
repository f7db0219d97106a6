"""Catching up: what is in the catalog and was missed, or is to be embedded again by a new model."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from embedder import waiting, wanted_first
from embedder.embedding import BATCHES_AT_ONCE, Embedding, Failures
from embedder.waiting import EVERYTHING, Page, Place, Scope
from embedder.wanted_first import Window
from escolta.errors import Rejected, is_transient
from escolta.service import Platform

LEAST_PAGE = 2
"""Audios that tell of more than of themselves."""


class Backlog:
    """Works off what waits, page by page, beside the batches that events bring."""

    def __init__(self, on: Platform, embedding: Embedding) -> None:
        self._on, self._embedding = on, embedding
        self._oldest: datetime | None = None
        """When the oldest audio entered the catalog that this round is at or could not have."""
        embedding.metrics.oldest_waiting_s.set_function(self._oldest_waits_s)

    async def put_first(self, start: datetime, end: datetime) -> int:
        """Have the window embedded by the model in use before all else; returns how many audios wait."""
        return await wanted_first.open_window(
            self._on.catalog, self._embedding.model.model_id, Scope(start, end)
        )

    async def catch_up(self) -> None:
        """Embed what waits: the windows first, then what is left in the queue, then what has come since.

        1. Embed page after page, as many at once as may be under way.
        2. When stopped, or when nothing at all of a page or of a batch could be had, begin no more and let
           the batches under way come to their end.
        3. Tell the first thing that went wrong: what could not be had stays in the queue for the next round.
        """
        running: dict[asyncio.Task[Failures], datetime] = {}
        stuck: list[datetime] = []
        errors: list[BaseException] = []

        def end(batch: asyncio.Task[Failures]) -> None:
            oldest = running.pop(batch)
            if wrong := _errors(batch):
                errors.extend(wrong)
                stuck.append(oldest)

        try:
            async for page in self._pages():
                if len(running) == BATCHES_AT_ONCE:
                    ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for batch in ended:
                        end(batch)
                    if any(self._brought_nothing(batch) for batch in ended):
                        break
                running[asyncio.create_task(self._embed(page))] = page.oldest
                self._oldest = min([*running.values(), *stuck])
        finally:
            if running:
                for batch in (await asyncio.wait(running))[0]:
                    end(batch)
        self._oldest = min(stuck, default=None)
        if errors:
            raise errors[0]

    async def _embed(self, page: Page) -> Failures:
        failures = await self._embedding.embed(page.keys)
        await waiting.forget_settled(self._on.catalog, self._embedding.model.model_id, page.keys)
        return failures

    def _oldest_waits_s(self) -> float:
        if self._oldest is None:
            return 0.0
        return max(0.0, (self._on.clock.now() - self._oldest).total_seconds())

    def _brought_nothing(self, batch: asyncio.Task[Failures]) -> bool:
        """Whether something is away: each audio of a full page is to come again, or the catalog raised.

        A short page says too little, and a defect is one page's alone.
        """
        if error := batch.exception():
            return isinstance(error, Exception) and is_transient(error)
        return len(_errors(batch)) == max(LEAST_PAGE, self._on.settings.embed_batch)

    async def _pages(self) -> AsyncIterator[Page]:
        """What waits; before each page, what waits in the windows that are wanted first."""
        done: set[Window] = set()
        async for page in self._pages_of_windows(done):
            yield page
        mark = await waiting.mark(self._on.catalog, self._embedding.model.model_id)
        for pages in (self._pages_between(EVERYTHING, Place(), mark), self._pages_after(EVERYTHING, mark)):
            async for page in pages:
                yield page
                async for first in self._pages_of_windows(done):
                    yield first

    async def _pages_of_windows(self, done: set[Window]) -> AsyncIterator[Page]:
        """What waits in the windows that are not `done` in this round: once is enough."""
        model_id = self._embedding.model.model_id
        for window in await wanted_first.open_windows(self._on.catalog, model_id):
            if window in done:
                continue
            done.add(window)
            async for page in self._pages_after(window.scope, Place()):
                yield page
            await wanted_first.close_window(self._on.catalog, model_id, window)

    async def _pages_after(self, scope: Scope, place: Place) -> AsyncIterator[Page]:
        """What waits of the audios of `scope` that entered the catalog after a place."""
        model_id = self._embedding.model.model_id
        while seen := await waiting.look(self._on.catalog, model_id, scope, place):
            async for page in self._pages_between(scope, place, seen):
                yield page
            place = seen

    async def _pages_between(self, scope: Scope, after: Place, until: Place) -> AsyncIterator[Page]:
        """What of `scope` is in the queue between two places."""
        model_id, size = self._embedding.model.model_id, self._on.settings.embed_batch
        while page := await waiting.page(self._on.catalog, model_id, scope, after, until, size):
            after = page.end
            yield page


def _errors(batch: asyncio.Task[Failures]) -> list[BaseException]:
    """What went wrong in a batch that ended, but for audios that cannot be embedded at all."""
    if error := batch.exception():
        return [error]
    return [error for error in batch.result().values() if not isinstance(error, Rejected)]
