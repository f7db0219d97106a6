"""PostgreSQL's programs, where another user can reach them."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from contract.embedded.servers import as_root, linux

from escolta.catalog import binaries
from escolta.catalog.embedded import EmbeddedPostgres
from escolta.errors import Misconfigured


@as_root
@linux
async def test_a_cache_that_the_other_user_cannot_enter_is_misconfigured(root: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="ESCOLTA_CACHE"):
        await EmbeddedPostgres(root, cache=tmp_path / "closed" / "cache").start()


def test_two_starts_at_once_make_one_copy_of_the_programs(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(binaries.copied_binaries, [tmp_path / "cache"] * 2)
    finally:
        os.umask(before)
    assert first == second
    assert "18." in subprocess.run([first / "postgres", "--version"], capture_output=True, text=True).stdout
    copies = [path for path in (tmp_path / "cache").iterdir() if path.name != "lock"]
    assert copies == [first.parents[2]]
    for path in [tmp_path / "cache", *copies[0].rglob("*")]:
        assert path.stat().st_mode & 0o044 == 0o044, f"{path} is closed to the user who runs PostgreSQL"


def test_a_cache_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(Misconfigured, match="ESCOLTA_CACHE"):
        binaries.copied_binaries(tmp_path)


def test_a_missing_wheel_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "MODULE", "no_such_wheel")
    with pytest.raises(Misconfigured, match="ESCOLTA_CATALOG_URL"):
        binaries.installed_binaries()
