"""A catalog with one row: made once, and copied for each test."""

from pathlib import Path

import pytest
from contract.embedded.servers import copied, execute

from escolta.catalog.embedded import EmbeddedPostgres


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with one row, made once, stopped."""
    root = tmp_path_factory.mktemp("made") / "catalog"
    async with EmbeddedPostgres(root) as dsn:
        await execute(dsn, "CREATE TABLE kept (what text)")
        await execute(dsn, "INSERT INTO kept VALUES ('the first row')")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return copied(made, tmp_path / "catalog")
