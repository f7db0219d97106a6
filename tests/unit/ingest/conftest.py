"""ingest at work, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.ingest.at_work import IngestAtWork, ingest_at_work


@pytest.fixture
async def ingest(catalog_url: str, tmp_path: Path) -> AsyncIterator[IngestAtWork]:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        yield ingest
