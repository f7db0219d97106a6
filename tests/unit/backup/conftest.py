"""Installations in folders: one with a catalog, one without."""

import subprocess
from pathlib import Path

import pytest
from unit.backup.at_work import Installation


@pytest.fixture(scope="session")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a catalog that was made and migrated, and is not at work: it is copied for each test."""
    made = Installation(tmp_path_factory.mktemp("made"))
    async with made.catalog():
        return made.folder / "catalog"


@pytest.fixture
def ours(tmp_path: Path, made: Path) -> Installation:
    ours = Installation(tmp_path / "ours")
    ours.folder.mkdir()
    subprocess.run(["cp", "-a", made, ours.folder], check=True)  # with its owner, as whom PostgreSQL runs
    return ours


@pytest.fixture
def empty(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "empty")
