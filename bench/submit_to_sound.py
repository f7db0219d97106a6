"""Milliseconds from a labeler's submission to the bytes of the next audio, over HTTP.

    .venv/bin/python bench/submit_to_sound.py [--catalog 100000] [--turns 90]

label-gateway runs by itself, with PostgreSQL and the store on the same machine; the labeler is a process of
its own. A turn is what the page does: PUT the labels, GET the next tasks, GET the recording (10 s of 32 kHz).
The catalog has audios of 36 months, and 50 batches of 100 that were labeled before this one. `processor_ms`:
what a turn takes of the service's process, user and system; it means more than a clock on a shared machine.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from statistics import median

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]

import asyncpg  # noqa: E402
import httpx  # noqa: E402
import numpy as np  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from escolta import audio  # noqa: E402
from escolta.runtime import running  # noqa: E402
from escolta.service import Platform  # noqa: E402
from escolta.settings import Settings  # noqa: E402
from escolta.web import Sessions  # noqa: E402
from label_gateway.people.session_rows import add_session  # noqa: E402
from label_gateway.service import build  # noqa: E402

RATE_HZ, DURATION_S = 32_000, 10
BEFORE = 50
EVENTS = [{"class_id": 2, "onset_s": 0.5, "offset_s": 2.5}, {"class_id": 3, "onset_s": 4.0, "offset_s": 4.2}]
HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('quay-1', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.ontology (name) VALUES ('ship'), ('gull');
    INSERT INTO label.groups (name) VALUES ('harbor');
    INSERT INTO audio.labelers (name, role, group_id) VALUES ('Nuria', 'labeler', 1), ('Pau', 'labeler', 1);
    SELECT audio.ensure_month(month) FROM generate_series(
        '2022-01-01'::timestamptz, '2024-12-01'::timestamptz, interval '1 month') AS month;
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state)
        SELECT md5(n::text)::uuid, '2022-01-01Z'::timestamptz + n * (interval '1094 days' / %AUDIOS), 1, 1,
               'one.wav', n || '.wav', 32000, 16, 320000, 10, 1, sha256(n::text::bytea), 'synchronized'
        FROM generate_series(0, %AUDIOS - 1) AS n;
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups,
                                     proposed_at)
        SELECT md5('batch ' || n)::uuid, CASE WHEN n = %BEFORE THEN 'proposed' ELSE 'closed' END, '{}',
               '2022-01-01Z', '2025-01-01Z', 100, 0, now() + n * interval '1 s'
        FROM generate_series(0, %BEFORE) AS n;
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set)
        SELECT md5('batch ' || place / 100)::uuid, audio_id, start_utc, 'quay-1', file_name,
               1 + place % 100, 1
        FROM (SELECT *, row_number() OVER (ORDER BY audio_id) - 1 AS place FROM audio.audios) AS ordered
        WHERE place < (%BEFORE + 1) * 100;
    UPDATE al.wavs_proposed SET labeled_at = now() WHERE iteration_id <> md5('batch %BEFORE')::uuid;
    INSERT INTO label.assignments (iteration_id, audio_id, group_id, place)
        SELECT iteration_id, audio_id, 1, rank FROM al.wavs_proposed;
    INSERT INTO label.submissions (iteration_id, audio_id, labeler_id)
        SELECT iteration_id, audio_id, labeler_id FROM al.wavs_proposed, audio.labelers
        WHERE labeled_at IS NOT NULL;
    INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)
        SELECT iteration_id, audio_id, labeler_id, 2, 1, 2 FROM label.submissions;
    INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)
        SELECT iteration_id, audio_id, 2, 2, 100 FROM al.wavs_proposed WHERE labeled_at IS NOT NULL;
    INSERT INTO label.closed_iterations (iteration_id)
        SELECT iteration_id FROM al.al_preprocessing WHERE status = 'closed';
"""


async def fill(on: Platform, audios: int) -> None:
    """The catalog, the batches before, the open one, and the recording that all audios share."""
    catalog: asyncpg.Pool = on.catalog
    await catalog.execute(HOUSE.replace("%AUDIOS", str(audios)).replace("%BEFORE", str(BEFORE)), timeout=600)
    await catalog.execute("VACUUM (ANALYZE)", timeout=600)
    noise = np.random.default_rng(0).normal(scale=0.1, size=RATE_HZ * DURATION_S).astype(np.float32)
    await on.objects.put("audio/one.wav", audio.write(noise, RATE_HZ))


async def turn(client: httpx.AsyncClient, task: dict[str, str]) -> dict[str, str]:
    """Submit `task`, and have the next one with its sound."""
    address = f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"
    (await client.put(address, json={"events": EVENTS})).raise_for_status()
    following = (await client.get("/api/tasks", params={"limit": 2})).raise_for_status().json()[0]
    sound = (await client.get(f"/api/audio/{following['audio_id']}")).raise_for_status()
    assert len(sound.content) > 2 * RATE_HZ * DURATION_S
    return following


async def label(url: str, token: str, turns: int) -> list[float]:
    """Milliseconds of each turn, of a labeler who is here alone."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
        task = (await client.get("/api/tasks")).raise_for_status().json()[0]
        taken = []
        for _ in range(turns):
            begun = time.perf_counter()
            task = await turn(client, task)
            taken.append(1000 * (time.perf_counter() - begun))
    return taken


async def measure(audios: int, turns: int) -> dict[str, float]:
    """The figures of so many turns."""
    with tempfile.TemporaryDirectory(prefix="escolta-bench-") as folder:
        settings = Settings(
            catalog_url=f"embedded://{folder}/catalog",
            objects_url=f"file://{folder}/objects",
            state_dir=Path(folder),
            secret=SecretStr("a secret of the bench alone"),
        )
        async with running(settings, [build]) as (on, _):
            await fill(on, audios)
            session_id = await add_session(on.catalog, on, 1, "token", "the bench")
            command = [sys.executable, __file__, "--turns", str(turns), "--labeler", on.http_url]
            begun = time.process_time()
            labeler = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
            told, _ = await labeler.communicate(Sessions(on).token(session_id).encode())
            processor_ms = 1000 * (time.process_time() - begun) / turns
    taken = sorted(json.loads(told))
    return {
        "median_ms": median(taken),
        "tenth_ms": taken[len(taken) // 10],
        "processor_ms": processor_ms,
        "turns": len(taken),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--catalog", type=int, default=100_000, help="audios in it")
    parser.add_argument("--turns", type=int, default=90)
    parser.add_argument("--labeler", metavar="URL", help="be its labeler: the token comes in")
    options = parser.parse_args()
    if options.labeler:
        print(json.dumps(asyncio.run(label(options.labeler, sys.stdin.read(), options.turns))))
        return
    logging.getLogger("escolta").setLevel(logging.ERROR)
    figures = asyncio.run(measure(options.catalog, options.turns))
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
