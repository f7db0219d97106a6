"""How long a backup and a restore of a large catalog take.

    .venv/bin/python bench/restore.py [--audios 1000000] [--json FILE]

An embedded catalog with that many rows, made in SQL, below the temporary folder (some 0.4 GB a million rows,
three times); objects are left out: they are copied one by one, at the speed of the store. Both commands run
as they are run by hand, the processes' start included.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from escolta.catalog import open_catalog

ESCOLTA = Path(sys.executable).with_name("escolta")
HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('quay-1', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/quay-1/2024/02/01/');
    SELECT audio.ensure_month('2024-02-01Z');
"""
AUDIOS = """
INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                          bits_per_sample, samples, duration_s, channels, sha256, clock_state)
SELECT gen_random_uuid(), timestamptz '2024-02-01Z' + n * interval '2 s', 1, 1,
       gen_random_uuid() || '.wav', 'harbor-' || n || '.wav', 32000, 16, 320000, 10, 1,
       sha256(n::text::bytea), 'synchronized'
FROM generate_series(1, $1::bigint) AS n
"""


async def fill(state: Path, audios: int) -> None:
    (state / "objects").mkdir(parents=True)
    async with open_catalog(f"embedded://{state}/catalog", connections=1) as catalog:
        await catalog.execute(HOUSE)
        await catalog.execute(AUDIOS, audios, timeout=3600)


def timed(*arguments: object) -> float:
    began = time.perf_counter()
    subprocess.run([str(ESCOLTA), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - began, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audios", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-bench-") as folder:
        ours, backups, empty = (Path(folder, name) for name in ("ours", "backups", "empty"))
        asyncio.run(fill(ours, chosen.audios))
        backup_s = timed("backup", "--to", backups, "--state-dir", ours)
        restore_s = timed("restore", "--from", backups, "--state-dir", empty)
        size = sum(path.stat().st_size for path in (backups / "catalog").rglob("*") if path.is_file())
    found = {"audios": chosen.audios, "mb": size // 1_000_000, "backup_s": backup_s, "restore_s": restore_s}
    print(json.dumps(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found) + "\n", "utf-8")


if __name__ == "__main__":
    main()
