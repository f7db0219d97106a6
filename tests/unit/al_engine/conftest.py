"""What the tests of the al-engine at work share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.al_engine.at_work import EngineAtWork, add_nodes, engine_at_work


@pytest.fixture
async def engine(catalog_url: str, tmp_path: Path) -> AsyncIterator[EngineAtWork]:
    """An al-engine over a catalog of its own, with two nodes and no audio."""
    await add_nodes(catalog_url)
    async with engine_at_work(catalog_url, tmp_path) as engine:
        yield engine
