"""The harbor for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.retaining.at_work import FILL, LATE, NEW, OLD, PROPOSED, Harbor

from escolta.catalog import open_catalog
from escolta.objects import open_objects


@pytest.fixture
async def harbor(catalog_url: str, tmp_path: Path) -> AsyncIterator[Harbor]:
    objects = open_objects(f"file://{tmp_path}/objects")
    for audio_id in (OLD, PROPOSED, LATE, NEW):
        await objects.put(f"audio/{audio_id}.wav", b"x")
    async with open_catalog(catalog_url) as pool, pool.acquire() as db:
        await db.execute(FILL)
        yield Harbor(db, objects)
