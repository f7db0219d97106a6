"""A simulated month of a small port: what it takes on the disks, against what `escolta sizing` says.

    .venv/bin/python bench/month.py [--hours 8] [--objects 3000] [--json FILE]

One node records so many hours of each of 31 days. Its rows are written by the statements of ingest and the
embedder, with vectors and scores of YAMNet for sounds of the built-in harbor, to a private PostgreSQL with
its default settings; a batch of 400 audios a week is labeled. Some objects go to a private SeaweedFS, of 8 kB
and of 10 s at 44.1 kHz, and messages wait in a private RabbitMQ. All of it, some GB, is removed at the end.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

import aio_pika  # noqa: E402
from unit.sizing.month import LABELS, Port, heard_in_a_harbor, label, record, sizes  # noqa: E402

from embedder.models.yamnet import YamNet  # noqa: E402
from escolta.catalog import open_catalog  # noqa: E402
from escolta.events import AudioCataloged  # noqa: E402
from escolta.note import note_of  # noqa: E402
from escolta.objects.s3 import S3Objects  # noqa: E402
from escolta.sizing.costs import MESSAGE_BYTES, OBJECT_BYTES  # noqa: E402
from escolta.sizing.predicting import Plan, predict  # noqa: E402
from servers.rabbit import private_broker  # noqa: E402
from servers.seaweed import bucket, seaweed  # noqa: E402

DAYS, WEEKS, BATCH = 31, 4, 400
SMALL, WHOLE = 8_000, 44 + 2 * 441_000
MESSAGES, AT_ONCE = 30_000, 500
SETTLE_S = 5.0
"""A server writes some of it a little later."""


async def catalog(folder: Path, plan: Plan) -> dict[str, tuple[float, float]]:
    """Of each table that grows: bytes as measured, and as predicted."""
    model = YamNet()
    heard = heard_in_a_harbor(model, folder / "harbor")
    async with open_catalog(f"embedded://{folder}/catalog") as pool:
        empty = await sizes(pool)
        audios = await record(pool, Port(plan.nodes, plan.days, plan.hours_per_day), model, heard)
        print(f"{audios:,} audios are written", flush=True)
        await label(pool, model, WEEKS, BATCH)
        full = await sizes(pool)
    took = {name: float(size - empty.get(name, 0)) for name, size in full.items()}
    told = dict(predict(plan).tables)
    told.pop("al.predictions")  # of an iteration's window, which nobody looks at here
    took["labels"] = sum(took.pop(table) for table in LABELS)
    rest = sum(size for name, size in took.items() if name not in told)
    pairs = {name: (took[name], size) for name, size in told.items()}
    return pairs | {"other tables": (rest, 0.0)}


async def objects(folder: Path, size: int, number: int) -> float:
    """Bytes on the disk of an object with its note, in a bucket that keeps versions."""
    async with seaweed(folder) as url:
        with bucket(url, "escolta") as at:
            store = S3Objects.from_url(at)
            await store.make_bucket()
            first, *events = islice(Port(1, DAYS).events(), number + 1)
            await store.put(first.object_key, os.urandom(size), note_of(first))
            before = on_disk(folder)
            for start in range(0, number, 16):
                part = events[start : start + 16]
                puts = (store.put(event.object_key, os.urandom(size), note_of(event)) for event in part)
                await asyncio.gather(*puts)
            await asyncio.sleep(SETTLE_S)
            return (on_disk(folder) - before) / number


async def messages(folder: Path) -> float:
    """Bytes on the disk of an `AudioCataloged` that waits in a quorum queue."""
    bodies = [
        AudioCataloged(audio_id=event.audio_id, start=event.start, object_key=event.object_key)
        .model_dump_json()
        .encode()
        for event in islice(Port(1, DAYS).events(), MESSAGES)
    ]
    async with (
        private_broker(folder) as broker,
        broker.virtual_host() as rabbit,
        await aio_pika.connect(rabbit.amqp_url) as connection,
    ):
        channel = await connection.channel()
        await channel.declare_queue("embedder", durable=True, arguments={"x-queue-type": "quorum"})
        before = on_disk(folder)
        for start in range(0, MESSAGES, AT_ONCE):
            sent = (
                channel.default_exchange.publish(aio_pika.Message(body, delivery_mode=2), "embedder")
                for body in bodies[start : start + AT_ONCE]
            )
            await asyncio.gather(*sent)
        await asyncio.sleep(SETTLE_S)
        return (on_disk(folder) - before) / MESSAGES


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


async def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated month on the disks, against `escolta sizing`.")
    parser.add_argument("--hours", type=float, default=8.0, help="that the node records each day")
    parser.add_argument("--objects", type=int, default=3_000, help="of 8 kB; a fifth as many at full length")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    plan = Plan(nodes=1, rate_hz=44_100, hours_per_day=options.hours, days=DAYS)
    plan = replace(plan, labels_per_week=round(WEEKS * BATCH * 7 / DAYS))
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="escolta-month-") as made:
        folder = Path(made)
        for name in ("small", "whole", "broker"):
            (folder / name).mkdir()
        small = await objects(folder / "small", SMALL, options.objects)
        whole = await objects(folder / "whole", WHOLE, options.objects // 5)
        message = await messages(folder / "broker")
        pairs = await catalog(folder, plan)
    measured, predicted = (sum(pair[which] for pair in pairs.values()) for which in (0, 1))
    pairs |= {
        "catalog, all tables": (measured, predicted),
        "an object of 8 kB": (small, SMALL + OBJECT_BYTES),
        "an object of 10 s": (whole, WHOLE + OBJECT_BYTES),
        "a message that waits": (message, MESSAGE_BYTES),
    }
    for name, (took, told) in pairs.items():
        print(f"{name:28} {took:16,.0f} {told:16,.0f} {f'{took / told:.3f}' if told else ''}")
    print(f"{plan.audios_per_day * DAYS:,.0f} audios in {time.perf_counter() - begun:.0f} s")
    if options.json:
        figures = {name: {"measured": took, "predicted": told} for name, (took, told) in pairs.items()}
        said = {"audios": plan.audios_per_day * DAYS, "hours_per_day": options.hours, "bytes": figures}
        options.json.write_text(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
