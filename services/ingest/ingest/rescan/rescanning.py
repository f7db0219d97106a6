"""Walks the objects of audios, and gives to cataloging what the catalog does not know."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from escolta.errors import Rejected
from escolta.events import AudioAccepted, AudioRecorded
from escolta.note import noted_event
from escolta.service import Platform
from ingest import store
from ingest.recorded import AT_A_TIME, Cataloging
from ingest.store import NewNode

AUDIOS = "audio/"
KEYS_AT_ONCE = 500
EVENTS_AT_ONCE = 32
TOLD_EVERY_S = 10.0

_KNOWN = "SELECT audio_id FROM audio.audios WHERE audio_id = ANY($1)"  # in whatever month

Say = Callable[[str], None]


@dataclass
class Rescanned:
    """What one walk found: objects below `audio/`, rows made again, and what could not become one."""

    objects: int = 0
    rebuilt: int = 0
    left: int = 0

    def __str__(self) -> str:
        return (
            f"{self.objects} objects: {self.rebuilt} rows were missing and are there again, "
            f"{self.left} could not be made"
        )


class Rescan:
    """One walk. Again, it makes what is still missing: it may be broken off at any time."""

    def __init__(self, on: Platform, say: Say, complain: Say) -> None:
        """`say` hears how far it is, `complain` a sentence for each object that cannot become a row."""
        self._on, self._say, self._complain = on, say, complain
        self._cataloging = Cataloging(on, trusting=False)
        self._free = asyncio.Semaphore(AT_A_TIME)
        self.found = Rescanned()

    async def walk(self) -> None:
        """Compare the store with the catalog, some hundred keys at a time, and make the missing rows.

        They pass the checks that every audio passes; the embedder finds them by itself.
        Raises `Transient` where store or catalog are away.
        """
        told_at = time.monotonic()
        async for keys in self._pages():
            self.found.objects += len(keys)
            unknown = await self._unknown(keys)
            events = [event for event in await asyncio.gather(*map(self._event, unknown)) if event]
            await self._register({event.node for event in events if _lies_at_its_node(event)})
            for first in range(0, len(events), EVENTS_AT_ONCE):
                await self._rebuild(events[first : first + EVENTS_AT_ONCE])
            if time.monotonic() > told_at + TOLD_EVERY_S:
                self._say(str(self.found))
                told_at = time.monotonic()

    async def _pages(self) -> AsyncIterator[list[str]]:
        page: list[str] = []
        async for key in self._on.objects.keys(AUDIOS):
            page.append(key)
            if len(page) == KEYS_AT_ONCE:
                yield page
                page = []
        if page:
            yield page

    async def _unknown(self, keys: Sequence[str]) -> list[str]:
        """Those whose audio the catalog does not have; an object is named by the id of its audio."""
        ids = {key: found for key in keys if (found := _audio_id(key))}
        rows = await self._on.catalog.fetch(_KNOWN, list(ids.values()))
        known = {row["audio_id"] for row in rows}
        return [key for key in keys if ids.get(key) not in known]

    async def _event(self, key: str) -> AudioRecorded | None:
        try:
            async with self._free:
                stored = await self._on.objects.head(key)
            return noted_event(key, stored.note) if stored else None  # deleted since it was listed
        except Rejected as error:
            self._leave(str(error))
            return None

    async def _register(self, nodes: set[str]) -> None:
        """A node that has an object was granted it, and so was registered once."""
        for name in sorted(nodes - await store.known_nodes(self._on.catalog, nodes)):
            await store.register_node(self._on.catalog, NewNode(name=name))
            self._say(f"the node {name} is registered again: the catalog had forgotten it")

    async def _rebuild(self, events: Sequence[AudioRecorded]) -> None:
        for event, finding in zip(events, await self._cataloging.settle(events), strict=True):
            if finding is None:
                self.found.rebuilt += 1
            elif not isinstance(finding, AudioAccepted):  # somebody else was faster
                self._leave(f"{event.object_key}: {finding}")

    def _leave(self, reason: str) -> None:
        self.found.left += 1
        self._complain(reason)


def _lies_at_its_node(event: AudioRecorded) -> bool:
    return event.object_key.startswith(f"{AUDIOS}{event.node}/")


def _audio_id(key: str) -> UUID | None:
    try:
        return UUID(PurePosixPath(key).stem)
    except ValueError:
        return None
