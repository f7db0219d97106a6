"""What a base backup is called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from escolta_backup import base
from escolta_backup.folder import BackupFolder
from escolta_backup.server import Server

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


async def test_two_that_begin_in_one_second_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    looks = [NOON, NOON + timedelta(seconds=0.9), NOON + timedelta(seconds=1)]

    async def look_at(_: str) -> Server:
        return Server(18, "a system", "escolta", "escolta", 1 << 24, looks.pop(0))

    monkeypatch.setattr(base, "look_at", look_at)
    folder = BackupFolder(tmp_path)
    folder.make()
    _, first = await base._begin(folder, "")
    (folder.bases_folder / first).mkdir()
    server, second = await base._begin(folder, "")
    assert (first, second) == ("2026-11-30T12-00-00Z", "2026-11-30T12-00-01Z")
    assert server.now == NOON + timedelta(seconds=1)
