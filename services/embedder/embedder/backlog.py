"""Catching up: what is in the catalog and was missed, or is to be embedded again by a new model."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from embedder import waiting
from embedder.embedding import BATCHES_AT_ONCE, Embedding, Failures
from embedder.store import AudioKey
from embedder.waiting import Place, Scope
from escolta.errors import Transient
from escolta.service import Platform

LOOKED_BACK = timedelta(days=1)


class Backlog:
    """Works off what waits, page by page, beside the batches that events bring."""

    def __init__(self, on: Platform, embedding: Embedding) -> None:
        self._on, self._embedding = on, embedding
        self._caught_up_once = False

    async def put_first(self, start: datetime, end: datetime) -> int:
        """Have the window embedded by the model in use before all else; returns how many audios wait."""
        return await waiting.open_window(self._on.catalog, self._embedding.model.model_id, start, end)

    async def catch_up(self) -> None:
        """Embed what waits: the windows first, then everything at the start, or what came in the last day.

        1. Embed page after page, as many at once as may be under way.
        2. When stopped, or when something is away, let the batches under way come to their end.
        3. Tell the first thing that went wrong: the next round tries again.
        """
        since = self._on.clock.now() - LOOKED_BACK if self._caught_up_once else waiting.BEGINNING
        running: set[asyncio.Task[Failures]] = set()
        errors: list[BaseException] = []
        try:
            async for keys in self._pages(Scope(since)):
                if len(running) == BATCHES_AT_ONCE:
                    ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    errors += _errors(ended)
                if any(isinstance(error, Transient) for error in errors):
                    break
                running.add(asyncio.create_task(self._embedding.embed(keys)))
        finally:
            if running:
                ended, _ = await asyncio.wait(running)
                errors += _errors(ended)
        if errors:
            raise errors[0]
        self._caught_up_once = True

    async def _pages(self, scope: Scope) -> AsyncIterator[list[AudioKey]]:
        """What waits in `scope`; before each page, what waits in the windows that are wanted first."""
        async for keys in self._pages_of_windows():
            yield keys
        async for keys in self._pages_of(scope):
            yield keys
            async for first in self._pages_of_windows():
                yield first

    async def _pages_of_windows(self) -> AsyncIterator[list[AudioKey]]:
        model_id = self._embedding.model.model_id
        for window in await waiting.open_windows(self._on.catalog, model_id):
            empty = True
            async for keys in self._pages_of(window.scope):
                empty = False
                yield keys
            if empty:
                await waiting.close_window(self._on.catalog, model_id, window)

    async def _pages_of(self, scope: Scope) -> AsyncIterator[list[AudioKey]]:
        model_id, size, after = self._embedding.model.model_id, self._on.settings.embed_batch, Place()
        while True:
            keys, after = await waiting.page(self._on.catalog, model_id, scope, after, size)
            if not keys:
                return
            yield keys


def _errors(ended: set[asyncio.Task[Failures]]) -> list[BaseException]:
    """What went wrong, but for audios that cannot be embedded at all."""
    errors: list[BaseException] = []
    for task in ended:
        if error := task.exception():
            errors.append(error)
        else:
            errors += [error for error in task.result().values() if isinstance(error, Transient)]
    return errors
