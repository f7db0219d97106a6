"""How fast the embedding models are: audios of 10 s a second, and peak memory, all in one run.

    make bench                                        # on the CPU
    make bench ARGS="--device cuda --json FILE"

Four things are compared: panns-inference as its users run it, our plain CNN14, our fast one, and YAMNet, each
from float32 waveforms in host memory to vectors in host memory; and YAMNet once more, from files of 32 kHz.
Each runs in a process of its own, so that its peak memory is its own. The processes take turns, round by
round, so that another load on the machine hits all of them alike; the figure is the median over the rounds.
CNN14's weights are random: they cost the same.

The machine's peak is measured too, in the same turns, as the product of two large matrices in bfloat16 (in
float32 where the processor has no instructions for bfloat16), and the share of it that CNN14 reaches is told.
"""

import argparse
import csv
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# The folder of a script comes first among those to import from, and there this file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(folder for folder in sys.path if Path(folder or ".").resolve() != HERE)]

import numpy as np  # noqa: E402

from bench.machine import device_name, forget_peak, peak_gflops, peak_mb, seconds_of  # noqa: E402
from embedder.models import logmel  # noqa: E402
from embedder.models.audioset import cnn14_class_names  # noqa: E402
from embedder.models.model import FloatArray  # noqa: E402
from embedder.models.opening import open_model  # noqa: E402
from escolta import audio  # noqa: E402

CONTENDERS = ["panns-inference", "cnn14-plain", "cnn14-fast", "yamnet", "yamnet-from-files"]
DURATION_S = 10
FILE_RATE_HZ = 32_000
GFLOP_A_CLIP = 42.25
"""CNN14 on 10 s; 2.1 of them are the transform that the plain front end computes as a convolution."""

Run = Callable[[FloatArray], object]
Rows = list[dict[str, Any]]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "Cnn14.pth"
        _in_a_process(_write_weights, weights)
        runners = {name: _Runner(name, options.device, weights) for name in [*CONTENDERS, "peak"]}
        try:
            rows, peaks = _measure(runners, options)
            stages = runners["yamnet-from-files"].ask("stages", 8)
        finally:
            for runner in runners.values():
                runner.end()
    _tell(rows, peaks)
    _tell_stages(stages)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of CNN14")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="the figure is their median")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table there as well")
    return parser.parse_args()


def _measure(runners: dict[str, "_Runner"], options: argparse.Namespace) -> tuple[Rows, dict[str, float]]:
    """The rows of the table, and the machine's peak in GFLOP/s by type."""
    rows: Rows = []
    peaks: dict[str, float] = {}
    for batch in options.batches:
        seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        for turn in range(options.rounds + 1):
            for name in CONTENDERS:
                took = runners[name].ask("run", batch)
                if turn:  # the first turn warms up
                    seconds[name].append(took)
            for dtype, gflops in runners["peak"].ask("peak", batch).items():
                peaks[dtype] = max(gflops, peaks.get(dtype, 0.0))
            print(f"batch {batch}: turn {turn} of {options.rounds}", file=sys.stderr)
        rates = {name: batch / statistics.median(seconds[name]) for name in CONTENDERS}
        rows += [
            {
                "name": name,
                "device": runners[name].device,
                "batch": batch,
                "clips_per_s": round(rates[name], 3),
                "ratio_to_panns_inference": round(rates[name] / rates["panns-inference"], 3),
                "peak_mb": round(runners[name].ask("peak memory", batch)),
            }
            for name in CONTENDERS
        ]
    return rows, peaks


def _tell(rows: Rows, peaks: dict[str, float]) -> None:
    device = rows[0]["device"]
    print(f"{device}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, audios of {DURATION_S} s")
    print(f"{'name':18} {'batch':>5} {'audios/s':>9} {'ratio':>7} {'peak MB':>8}")
    for row in rows:
        print(
            f"{row['name']:18} {row['batch']:5} {row['clips_per_s']:9.2f} "
            f"{row['ratio_to_panns_inference']:7.2f} {row['peak_mb']:8}"
        )
    best = max(row["clips_per_s"] for row in rows if row["name"] == "cnn14-fast")
    for dtype, gflops in peaks.items():
        print(
            f"matrix peak in {dtype}: {gflops:,.0f} GFLOP/s, which is {gflops / GFLOP_A_CLIP:.1f} audios/s of"
            f" CNN14; cnn14-fast does {best:.2f} at its best, {best * GFLOP_A_CLIP / gflops:.0%} of it"
        )
    if list(peaks) == ["float32"]:
        print("This processor has no instructions for bfloat16: cnn14-fast computes in float32 here.")


def _tell_stages(stages: dict[str, float]) -> None:
    each = ", ".join(f"{stage} {1000 * seconds:.1f} ms" for stage, seconds in stages.items())
    print(f"YAMNet from file to vector, each stage of one audio on one thread: {each};")
    print(f"the stage that limits: {max(stages, key=lambda stage: stages[stage])}")


class _Runner:
    """A process that loads one model and runs it when asked."""

    def __init__(self, name: str, device: str, weights: Path) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = _spawn(_serve, there, name, device, weights)
        there.close()
        self.device: str = self._here.recv()

    def ask(self, what: str, batch: int) -> Any:
        """See `_serve`."""
        self._here.send((what, batch))
        return self._here.recv()

    def end(self) -> None:
        self._here.close()
        self._process.join()


def _spawn(target: Callable[..., None], *arguments: object) -> Any:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def _in_a_process(target: Callable[..., None], *arguments: object) -> None:
    process = _spawn(target, *arguments)
    process.join()
    if process.exitcode:
        sys.exit(f"{target.__name__} failed")


def _write_weights(path: Path) -> None:
    import torch

    from embedder.models.cnn14 import Cnn14

    plain: Any = Cnn14(None, random_seed=1, plain=True)
    torch.save({"model": plain._network.network.state_dict()}, path)


def _serve(asked: Connection, name: str, device: str, weights: Path) -> None:
    """Answer until the other side hangs up: `run` by seconds, `peak memory` by MB, `peak` by GFLOP/s."""
    sys.stdout = sys.stderr  # panns_inference prints
    on = "cpu" if name.startswith("yamnet") else device
    run: Run = (lambda _: None) if name == "peak" else _loaded(name, device, weights)
    rate_hz = FILE_RATE_HZ if name != "yamnet" else logmel.RATE_HZ
    asked.send(device_name(on))
    rng = np.random.default_rng(0)
    while True:
        try:
            what, batch = asked.recv()
        except EOFError:
            return
        if what == "peak":
            asked.send(peak_gflops(device))
        elif what == "peak memory":
            asked.send(peak_mb(on))
        elif what == "stages":
            asked.send(_stages(batch))
        else:
            waveforms = rng.normal(0, 0.1, (batch, DURATION_S * rate_hz)).astype(np.float32)
            given: Any = _files(waveforms) if name == "yamnet-from-files" else waveforms
            forget_peak(on)
            start = time.perf_counter()
            run(given)
            asked.send(time.perf_counter() - start)


def _loaded(name: str, device: str, weights: Path) -> Run:
    if name == "panns-inference":
        return _panns_inference(device, weights)
    if name == "yamnet":
        yamnet = open_model("yamnet")
        return lambda waveforms: yamnet.embed(list(waveforms))
    if name == "yamnet-from-files":
        return _from_files()
    from embedder.models import cnn14

    model: Any = cnn14.Cnn14(weights, plain=name == "cnn14-plain")
    if model.device != device:
        sys.exit(f"--device {device}, and PyTorch finds {model.device}")
    return lambda waveforms: model.embed(list(waveforms))


def _panns_inference(device: str, weights: Path) -> Run:
    """`AudioTagging.inference`. The class names that it would fetch from the network lie there already."""
    os.environ["HOME"] = str(weights.parent)
    (weights.parent / "panns_data").mkdir()
    table = weights.parent / "panns_data/class_labels_indices.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        names = [(number, number, name) for number, name in enumerate(cnn14_class_names())]
        csv.writer(file).writerows([("index", "mid", "display_name"), *names])
    from panns_inference import AudioTagging

    tagging = AudioTagging(checkpoint_path=str(weights), device=device)
    return lambda waveforms: tagging.inference(waveforms)


def _files(waveforms: FloatArray) -> list[bytes]:
    return [audio.write(waveform, FILE_RATE_HZ) for waveform in waveforms]


def _heard(file: bytes) -> FloatArray:
    waveform, rate_hz = audio.read(file)
    return audio.resample(audio.mono(waveform), rate_hz, logmel.RATE_HZ)


def _from_files() -> Any:
    yamnet, pool = open_model("yamnet"), ThreadPoolExecutor(os.cpu_count())
    return lambda files: yamnet.embed(list(pool.map(_heard, files)))


def _stages(batch: int) -> dict[str, float]:
    """The seconds that each stage takes for one audio on one thread; the best of `batch` tries."""
    from embedder.models.yamnet import YamNet

    yamnet: Any = YamNet()
    noise = np.random.default_rng(0).normal(0, 0.1, DURATION_S * FILE_RATE_HZ).astype(np.float32)
    [file] = _files(noise[np.newaxis])
    waveform, _ = audio.read(file)
    at_16k = audio.resample(waveform, FILE_RATE_HZ, logmel.RATE_HZ)
    patches = logmel.patches(at_16k)[:, np.newaxis]
    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: audio.read(file),
        "resample": lambda: audio.resample(waveform, FILE_RATE_HZ, logmel.RATE_HZ),
        "front end": lambda: logmel.patches(at_16k),
        "network": lambda: yamnet._session.run(None, {"audio": patches}),
    }
    return {name: min(seconds_of(stage) for _ in range(batch)) for name, stage in stages.items()}


if __name__ == "__main__":
    main()
