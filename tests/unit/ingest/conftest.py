"""A house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.ingest.house import House, house_at_work


@pytest.fixture
async def house(catalog_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_at_work(catalog_url, tmp_path) as house:
        yield house
