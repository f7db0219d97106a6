"""What the tests of the al-engine at work share."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from unit.al_engine.engine import CATALOG, Engine, engine_at_work


@pytest.fixture
async def engine(catalog_url: str, tmp_path: Path) -> AsyncIterator[Engine]:
    """An al-engine over a catalog of its own, with two nodes and no audio."""
    connection = await asyncpg.connect(catalog_url)
    await connection.execute(CATALOG)
    await connection.close()
    async with engine_at_work(catalog_url, tmp_path) as engine:
        yield engine
