"""How much of the bare model's rate the embedder keeps, from the object store to committed rows.

    .venv/bin/python bench/embedder_service.py [--model yamnet] [--clips 160] [--batch 32] [--turns 5]

The bare model gets the same clips of 10 s as waveforms in memory. It and the service take turns, because the
rate of a machine that others use changes: a share is that of a turn of the service to the two turns of the
model around it, and the median of the shares counts. The service fetches the clips as files, decodes,
resamples from 32 kHz, computes and writes; PostgreSQL and the store are on the same machine.
"""

import argparse
import asyncio
import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]

import numpy as np  # noqa: E402
from prometheus_client import CollectorRegistry  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from embedder.decode import decode  # noqa: E402
from embedder.metrics import Metrics  # noqa: E402
from embedder.models.model import EmbeddingModel, FloatArray  # noqa: E402
from embedder.models.opening import open_model  # noqa: E402
from embedder.service import build  # noqa: E402
from escolta import audio  # noqa: E402
from escolta.events import AudioCataloged, audio_id_of  # noqa: E402
from escolta.runtime import running  # noqa: E402
from escolta.service import Platform  # noqa: E402
from escolta.settings import Settings  # noqa: E402

RATE_HZ = 32_000
DURATION_S = 10
START = datetime(2024, 5, 1, tzinfo=UTC)
STAGES = ("fetch", "decode", "resample", "front end", "network", "write")
NODE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('synthesis');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('bench', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    SELECT audio.ensure_month('2024-05-01T00:00:00Z')
"""


@dataclass(frozen=True)
class Measured:
    """Rates of each turn in clips a second, and the seconds by stage, summed over all clips and threads."""

    bare: list[float]
    service: list[float]
    seconds: dict[str, float]

    @property
    def shares(self) -> list[float]:
        around = zip(self.bare, self.bare[1:], strict=False)
        return [2 * rate / sum(pair) for rate, pair in zip(self.service, around, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="yamnet", choices=["yamnet", "cnn14", "placeholder"])
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    measured = asyncio.run(measure(options.model, options.clips, options.batch, options.turns))
    print(f"{options.model}, {options.turns} turns of {options.clips} clips, batches of {options.batch}")
    for name, values in (("bare model", measured.bare), ("service", measured.service)):
        rates = " ".join(f"{value:.1f}" for value in values)
        print(f"{name:12} {median(values):6.1f} clips/s  ({rates})")
    shares = " ".join(f"{100 * share:.0f}" for share in measured.shares)
    print(f"{'share':12} {100 * median(measured.shares):6.1f} %        ({shares})")
    wall_s = sum(options.clips / rate for rate in measured.service)
    for stage, seconds in measured.seconds.items():
        each_ms = 1000 * seconds / (options.clips * options.turns)
        print(f"  {stage:10} {each_ms:6.2f} ms a clip, {100 * seconds / wall_s:5.1f} % of the service's time")
    print(f"the stage that limits: {max(measured.seconds, key=lambda stage: measured.seconds[stage])}")


async def measure(name: str, clips: int, batch: int, turns: int) -> Measured:
    """One run, with a fresh catalog and store."""
    sounds = [_clip(number) for number in range(clips)]
    with tempfile.TemporaryDirectory(prefix="escolta-bench-", dir="/tmp") as folder:
        weights = _random_weights(Path(folder)) if name == "cnn14" else None
        model = open_model(name, weights)
        metrics = Metrics(CollectorRegistry())
        waveforms = [decode(sound, model.rate_hz, "clip", metrics).waveform for sound in sounds]
        model.embed(waveforms[:batch])
        settings = Settings(
            bus_url="memory://",
            catalog_url=f"embedded://{folder}/catalog",
            objects_url=f"file://{folder}/objects",
            state_dir=Path(folder),
            secret=SecretStr(secrets.token_hex()),
            model=name,
            cnn14_weights=weights,
            embed_batch=batch,
        )
        async with running(settings, [build]) as (on, _):
            events = await _catalog(on, sounds)
            bare, service = [_bare(model, waveforms, batch)], []
            for _ in range(turns):
                service.append(await _through_service(on, events))
                bare.append(_bare(model, waveforms, batch))
            value = on.metrics.get_sample_value
            seconds = {s: value("escolta_embedder_stage_seconds_sum", {"stage": s}) or 0.0 for s in STAGES}
    return Measured(bare, service, seconds)


def _random_weights(folder: Path) -> Path:
    """They cost the same as CNN14's own."""
    import torch

    from embedder.models.cnn14 import Cnn14

    plain: Any = Cnn14(None, random_seed=1, plain=True)
    torch.save({"model": plain._network.network.state_dict()}, folder / "Cnn14.pth")
    return folder / "Cnn14.pth"


async def _through_service(on: Platform, events: Sequence[AudioCataloged]) -> float:
    """Clips a second from the first event to the last committed row."""
    await on.catalog.execute("TRUNCATE audio.embeddings, audio.patches")
    begun = time.perf_counter()
    for event in events:
        await on.bus.publish(event)
    while await on.catalog.fetchval("SELECT count(*) FROM audio.embeddings") < len(events):
        await asyncio.sleep(0.02)
    return len(events) / (time.perf_counter() - begun)


def _clip(number: int) -> bytes:
    rng = np.random.default_rng(number)
    t = np.arange(DURATION_S * RATE_HZ) / RATE_HZ
    sound = 0.3 * np.sin(2 * np.pi * (200 + 10 * number) * t) + rng.normal(0, 0.05, len(t))
    return audio.write(sound.astype(np.float32), RATE_HZ)


def _bare(model: EmbeddingModel, waveforms: Sequence[FloatArray], batch: int) -> float:
    begun = time.perf_counter()
    for at in range(0, len(waveforms), batch):
        model.embed(waveforms[at : at + batch])
    return len(waveforms) / (time.perf_counter() - begun)


async def _catalog(on: Platform, sounds: Sequence[bytes]) -> list[AudioCataloged]:
    """Leave the clips in the store and the catalog as ingest does."""
    await on.catalog.execute(NODE)
    events = []
    for number, sound in enumerate(sounds):
        start = START + timedelta(seconds=DURATION_S * number)
        audio_id = audio_id_of("bench", start)
        key = f"audio/{audio_id}.wav"
        await on.objects.put(key, sound)
        await on.catalog.execute(
            "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name,"
            " rate_hz, bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
            " VALUES ($1, $2, 1, 1, $3, $3, $4, 16, $5, $6, 1, $7, 'unknown')",
            audio_id,
            start,
            f"{audio_id}.wav",
            RATE_HZ,
            DURATION_S * RATE_HZ,
            DURATION_S,
            hashlib.sha256(sound).digest(),
        )
        events.append(AudioCataloged(audio_id=audio_id, start=start, object_key=key))
    return events


if __name__ == "__main__":
    main()
