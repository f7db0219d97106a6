"""Copying the objects that are new into a backup, and those that are lost back out of it."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from escolta.errors import ObjectMissing, Rejected
from escolta.note import noted_event
from escolta.objects import Objects
from escolta_backup.manifest import PAGE, Entry, Manifest
from escolta_backup.programs import Say

AT_A_TIME = 8
TOLD_EVERY_S = 10.0
T = TypeVar("T")


@dataclass
class Copied:
    """What one run did. `wrong`: a sentence for each object that is not as it should be."""

    listed: int = 0
    new: int = 0
    new_bytes: int = 0
    gone: int = 0
    """Objects of the backup that the store no longer has: they are kept."""
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"objects: {self.new} of {self.listed} were new ({self.new_bytes / 1e6:,.0f} MB)"
        return text + (f"; {self.gone} that are gone from the store are kept" if self.gone else "")


async def copy_new(source: Objects, target: Objects, manifest: Manifest, say: Say) -> Copied:
    """Copy each object that the manifest does not list. It reads of the source alone.

    A run that is broken off has done what it has done: the next one goes on with the rest.
    """
    done, told_at = Copied(), time.monotonic()
    async for keys in _pages(source.keys("")):
        done.listed += len(keys)
        entries = await _few_at_once(manifest.missing(keys), lambda key: _copy(source, target, key, done))
        manifest.add([entry for entry in entries if entry])
        if time.monotonic() > told_at + TOLD_EVERY_S:
            say(str(done))
            told_at = time.monotonic()
    done.gone = len(manifest) - done.listed + len(done.wrong)
    return done


async def _copy(source: Objects, target: Objects, key: str, done: Copied) -> Entry | None:
    try:
        stored, data = await source.head(key), await source.get(key)
        note = stored.note if stored else ""
        await target.put(key, data, note)
    except ObjectMissing:
        return None  # deleted since it was listed
    except Rejected as error:
        done.wrong.append(str(error))
        return None
    digest = hashlib.sha256(data).hexdigest()
    if (noted := _noted_digest(key, note)) and noted != digest:
        done.wrong.append(f"{key} is not what its node sent; it is copied as it is")
    done.new, done.new_bytes = done.new + 1, done.new_bytes + len(data)
    return Entry(key, len(data), digest)


def _noted_digest(key: str, note: str) -> str:
    """The digest that the note of an audio says; nothing of what is no audio."""
    try:
        return noted_event(key, note).sha256 if note else ""
    except Rejected:
        return ""


async def bring_back(source: Objects, target: Objects, manifest: Manifest, say: Say) -> Copied:
    """Put into `target` what it lacks of the backup; what is there is left alone."""
    done, told_at = Copied(), time.monotonic()
    for page in manifest.pages():
        done.listed += len(page)
        await _few_at_once(page, lambda entry: _bring(source, target, entry, done))
        if time.monotonic() > told_at + TOLD_EVERY_S:
            say(f"objects: {done.new} of {done.listed} were missing")
            told_at = time.monotonic()
    return done


async def _bring(source: Objects, target: Objects, entry: Entry, done: Copied) -> None:
    if await target.head(entry.key):
        return
    try:
        data, stored = await checked(source, entry), await source.head(entry.key)
        await target.put(entry.key, data, stored.note if stored else "")
    except Rejected as error:
        done.wrong.append(str(error))
        return
    done.new, done.new_bytes = done.new + 1, done.new_bytes + len(data)


async def checked(copies: Objects, entry: Entry) -> bytes:
    """The copy, as the manifest says it was. Raises `Rejected` where it is missing or damaged."""
    data = await copies.get(entry.key)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Rejected(f"the copy of {entry.key} is damaged: its digest is another than when it was made")
    return data


async def _few_at_once(
    items: Iterable[T], work: Callable[[T], Awaitable[Entry | None]]
) -> list[Entry | None]:
    free = asyncio.Semaphore(AT_A_TIME)

    async def when_free(item: T) -> Entry | None:
        async with free:
            return await work(item)

    return await asyncio.gather(*map(when_free, items))


async def _pages(keys: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    page: list[str] = []
    async for key in keys:
        page.append(key)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
