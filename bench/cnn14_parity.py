"""How near CNN14's fast path is to the plain one on every recording of a folder, at full length.

    .venv/bin/python bench/cnn14_parity.py --audio <folder> [--type bfloat16] [--every 8] [--json FILE]

The weights are random, and the normalizations are fitted to some of the recordings, as in a trained network:
a fresh one says nearly the same of every sound, and any error would pass. Types that the processor has no
instructions for are computed all the same, slowly.
"""

import argparse
import copy
import json
import sys
from pathlib import Path
from typing import Any

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.progress import track  # noqa: E402

from embedder.models.cnn14 import Cnn14  # noqa: E402
from embedder.models.cnn14_fast import FastCnn14  # noqa: E402
from escolta import audio  # noqa: E402

TO_FIT, TYPES = 8, ["float32", "bfloat16", "float16"]

Array = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--type", choices=TYPES, default="float32", help="of the fast path")
    parser.add_argument("--every", type=int, default=1, help="take each n-th recording alone")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    files = sorted(path for path in options.audio.iterdir() if path.is_file())[:: options.every]
    plain: Any = Cnn14(None, random_seed=7, plain=True)
    _fit_normalizations(plain, [_heard(path, plain.rate_hz) for path in files[:TO_FIT]])
    fast = FastCnn14(copy.deepcopy(plain._network.network), "cpu", getattr(torch, options.type))
    least = {"embedding": 1.0, "probabilities": 1.0}
    for path in track(files, "recordings"):
        waveform = _heard(path, plain.rate_hz)[np.newaxis]
        expected = plain.embed(waveform)
        [(vectors, probabilities)] = fast([waveform])
        for name, got, right in (
            ("embedding", vectors, expected.vectors),
            ("probabilities", probabilities, expected.probabilities),
        ):
            least[name] = min(least[name], _cosine(got[0], right[0]))
    figures = {"type": options.type, "recordings": len(files)} | {
        f"least_cosine_{name}": round(value, 7) for name, value in least.items()
    }
    print(json.dumps(figures))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


def _heard(path: Path, rate_hz: int) -> Array:
    waveform, own_rate_hz = audio.read(path.read_bytes(), path.name)
    return audio.resample(audio.mono(waveform), own_rate_hz, rate_hz)


def _fit_normalizations(plain: Any, waveforms: list[Array]) -> None:
    network, generator = plain._network.network, torch.Generator().manual_seed(11)
    length = min(map(len, waveforms))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.copy_(0.5 + torch.rand(layer.weight.shape, generator=generator))
                layer.bias.copy_(0.2 * torch.randn(layer.bias.shape, generator=generator))
                layer.momentum = 1.0  # takes over what it sees
                layer.train()
        network(torch.from_numpy(np.stack([waveform[:length] for waveform in waveforms])))
    network.eval()


def _cosine(a: Array, b: Array) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


if __name__ == "__main__":
    main()
