"""Catching up: what is in the catalog and was missed, or is to be embedded again by a new model."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from embedder import waiting
from embedder.embedding import BATCHES_AT_ONCE, Embedding, Failures
from embedder.waiting import Page, Place, Scope, Window
from escolta.errors import Rejected, is_transient
from escolta.service import Platform

LOOKED_BACK = timedelta(days=1)
LEAST_PAGE = 2
"""Audios that tell of more than of themselves."""


class Backlog:
    """Works off what waits, page by page, beside the batches that events bring."""

    def __init__(self, on: Platform, embedding: Embedding) -> None:
        self._on, self._embedding = on, embedding
        self._since = waiting.BEGINNING
        self._oldest: datetime | None = None
        """When the oldest audio entered the catalog that this round is at or could not have."""
        embedding.metrics.oldest_waiting_s.set_function(self._oldest_waits_s)

    async def put_first(self, start: datetime, end: datetime) -> int:
        """Have the window embedded by the model in use before all else; returns how many audios wait."""
        return await waiting.open_window(self._on.catalog, self._embedding.model.model_id, start, end)

    async def catch_up(self) -> None:
        """Embed what waits: the windows first, then everything at the start, or what came of late.

        1. Embed page after page, as many at once as may be under way.
        2. When stopped, or when nothing at all of a page or of a batch could be had, begin no more and let
           the batches under way come to their end.
        3. Tell the first thing that went wrong, and let the next round look through the same again.
        4. Where nothing did, let the next one look back to a day before this one began.
        """
        begun = self._on.clock.now()
        running: dict[asyncio.Task[Failures], datetime] = {}
        stuck: list[datetime] = []
        errors: list[BaseException] = []

        def end(batch: asyncio.Task[Failures]) -> None:
            oldest = running.pop(batch)
            if wrong := _errors(batch):
                errors.extend(wrong)
                stuck.append(oldest)

        try:
            async for page in self._pages(Scope(self._since)):
                if len(running) == BATCHES_AT_ONCE:
                    ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for batch in ended:
                        end(batch)
                    if any(self._brought_nothing(batch) for batch in ended):
                        break
                running[asyncio.create_task(self._embedding.embed(page.keys))] = page.oldest
                self._oldest = min([*running.values(), *stuck])
        finally:
            if running:
                for batch in (await asyncio.wait(running))[0]:
                    end(batch)
        self._oldest = min(stuck, default=None)
        if errors:
            raise errors[0]
        self._since = begun - LOOKED_BACK

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

    async def _pages(self, scope: Scope) -> AsyncIterator[Page]:
        """What waits in `scope`; before each page, what waits in the windows that are wanted first."""
        done: set[Window] = set()
        async for page in self._pages_of_windows(done):
            yield page
        async for page in self._pages_of(scope):
            yield page
            async for first in self._pages_of_windows(done):
                yield first

    async def _pages_of_windows(self, done: set[Window]) -> AsyncIterator[Page]:
        """What waits in the windows that are not `done` in this round: once is enough."""
        model_id = self._embedding.model.model_id
        for window in await waiting.open_windows(self._on.catalog, model_id):
            if window in done:
                continue
            done.add(window)
            empty = True
            async for page in self._pages_of(window.scope):
                empty = False
                yield page
            if empty:
                await waiting.close_window(self._on.catalog, model_id, window)

    async def _pages_of(self, scope: Scope) -> AsyncIterator[Page]:
        model_id, size, after = self._embedding.model.model_id, self._on.settings.embed_batch, Place()
        while page := await waiting.page(self._on.catalog, model_id, scope, after, size):
            after = page.end
            yield page


def _errors(batch: asyncio.Task[Failures]) -> list[BaseException]:
    """What went wrong in a batch that ended, but for audios that cannot be embedded at all."""
    if error := batch.exception():
        return [error]
    return [error for error in batch.result().values() if not isinstance(error, Rejected)]
