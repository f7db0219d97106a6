"""CNN14 of PANNs by PyTorch: the model of record (Naranjo-Alcazar et al. 2024, section 2.3).

Kong et al. 2020, "PANNs: Large-scale pretrained audio neural networks for audio pattern recognition".
Only the network class of `panns_inference` is used. The package itself is never imported, because importing
it, and constructing its `AudioTagging`, fetches files from the network by a shell command.
`embedder.models.cnn14_fast` computes the same from the same weights, faster, and is what runs; the plain
network is kept to compare with.
"""

import codecs
import hashlib
import importlib
import importlib.util
import pickle
import sys
import types
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from embedder.models.audioset import cnn14_class_names
from embedder.models.model import Embedded, FloatArray
from embedder.models.segments import greatest_of_each, mean_of_each, segments_of
from embedder.models.weights import CNN14
from escolta.errors import Misconfigured

_ARCHITECTURE = {
    "sample_rate": 32_000,
    "window_size": 1024,
    "hop_size": 320,
    "mel_bins": 64,
    "fmin": 50,
    "fmax": 14_000,
}
_SEGMENTS_AT_ONCE = {"cpu": 8, "cuda": 64}  # a segment of 10 s takes up to 100 MB on its way
_SOURCE = (
    "them by `escolta models fetch cnn14`, or download "
    f"{CNN14.file_name} ({CNN14.size_bytes:,} bytes, SHA-256 {CNN14.sha256}) of the Zenodo record 3987831 "
    "by hand and set ESCOLTA_CNN14_WEIGHTS to its path"
)
_ALIAS = "embedder._panns_inference"


class Cnn14:
    """2048 dimensions and the 527 classes of AudioSet, on the CPU, or on a GPU where PyTorch finds one."""

    name = "cnn14"
    dim = 2048
    rate_hz = 32_000

    def __init__(
        self,
        weights: Path | None,
        random_seed: int | None = None,
        plain: bool = False,
        sha256: str | None = None,
    ) -> None:
        """Load the weights; a `random_seed` instead gives an untrained network, which is for tests only.

        `plain` keeps the network as panns_inference has it, to compare with; otherwise the fast one runs.
        With `sha256`, no other file of weights will do.

        Raises Misconfigured where PyTorch or a package is missing, or the weights are missing or wrong.
        """
        torch = _torch()
        self.class_names = cnn14_class_names()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        path = _required(weights) if random_seed is None else None
        version = _digest(path, sha256)[:12] if path else f"random{random_seed}"
        tensors = _tensors(path) if path else None  # first: wrong weights are told before seconds go by
        if path:
            network = _filled(tensors, path)
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(random_seed)
                network = _network()
        self._network = (_Plain if plain else _fast_class())(network.eval(), self.device)
        self.model_id = f"{self.name}-{version}-{self._network.front_end}"

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        """See `EmbeddingModel.embed`."""
        segments = [segments_of(waveform, self.rate_hz) for waveform in waveforms]
        counts = [len(of_audio) for of_audio in segments]
        self._network.front_end_s, begun = 0.0, perf_counter()
        vectors, probabilities = self._run([segment for of_audio in segments for segment in of_audio])
        front_end_s = self._network.front_end_s
        seconds = {"front end": front_end_s, "network": perf_counter() - begun - front_end_s}
        return Embedded(
            mean_of_each(vectors, counts),
            mean_of_each(probabilities, counts),
            None,
            greatest_of_each(probabilities, counts),
            seconds,
        )

    def _run(self, segments: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Embeddings, float32 `[segments, 2048]`, and probabilities, float32 `[segments, 527]`.

        Segments of one length go together; padding them to a common length would change their vectors.
        """
        by_length = defaultdict(list)
        for number, segment in enumerate(segments):
            by_length[len(segment)].append(number)
        size = _SEGMENTS_AT_ONCE[self.device]
        together = [
            numbers[at : at + size] for numbers in by_length.values() for at in range(0, len(numbers), size)
        ]
        vectors = np.empty((len(segments), self.dim), np.float32)
        probabilities = np.empty((len(segments), len(self.class_names)), np.float32)
        outputs = self._network(np.stack([segments[number] for number in numbers]) for numbers in together)
        for numbers, output in zip(together, outputs, strict=True):
            vectors[numbers], probabilities[numbers] = output
        return vectors, probabilities


class _Plain:
    """The network as it comes, called like `embedder.models.cnn14_fast.FastCnn14`."""

    def __init__(self, network: Any, device: str) -> None:
        self.network, self.device = network.to(device), device
        self.front_end = "1"  # see `FastCnn14.front_end`
        self.front_end_s = 0.0  # a part of the network here

    def __call__(self, batches: Iterable[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
        return [self._forward(batch) for batch in batches]

    def _forward(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        torch = _torch()
        with torch.inference_mode():
            out = self.network(torch.from_numpy(batch).to(self.device))
        return out["embedding"].cpu().numpy(), out["clipwise_output"].cpu().numpy()


def _fast_class() -> Any:
    """Imported when it is wanted, because its module needs PyTorch."""
    return importlib.import_module("embedder.models.cnn14_fast").FastCnn14


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise Misconfigured("CNN14 needs PyTorch: run pip install 'escolta-embedder[cnn14]'.") from error


def _network_class() -> Any:
    """The class `Cnn14` of `panns_inference.models`, without the package's `__init__` being run.

    The module is imported as a part of an empty package of another name, so that a real import of
    `panns_inference` elsewhere in the process is not disturbed.
    """
    found = importlib.util.find_spec("panns_inference")  # does not import it
    if found is None or not found.submodule_search_locations:
        raise Misconfigured("CNN14 needs panns-inference: run pip install 'escolta-embedder[cnn14]'.")
    package = types.ModuleType(_ALIAS)
    package.__path__ = list(found.submodule_search_locations)
    sys.modules.setdefault(_ALIAS, package)
    try:
        return importlib.import_module(f"{_ALIAS}.models").Cnn14
    except ImportError as error:
        raise Misconfigured(
            f"CNN14 needs {error.name}: run pip install 'escolta-embedder[cnn14]'."
        ) from error


def _required(weights: Path | None) -> Path:
    if weights is None:
        raise Misconfigured(f"CNN14 has no weights: fetch {_SOURCE}.")
    if not weights.is_file():
        raise Misconfigured(f"There is no file {weights} with CNN14's weights: fetch {_SOURCE}.")
    return weights


def _tensors(path: Path) -> Any:
    """The network's tensors, by name, in a checkpoint of PANNs' training."""
    torch = _torch()
    try:
        # weights_only keeps a checkpoint from running code. The official one was written years before that
        # became usual, and its training state may hold NumPy arrays beside the tensors.
        with torch.serialization.safe_globals(_numpy_globals()):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _wrong(path, "is no PyTorch checkpoint, or one that would run code") from error
    except Exception as error:  # a damaged pickle makes PyTorch raise whatever its bytes lead to
        raise _wrong(path, "is cut short or damaged") from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("model"), dict):
        raise _wrong(path, "is no checkpoint of PANNs")
    return checkpoint["model"]


def _network() -> Any:
    """As it is before its training."""
    return _network_class()(**_ARCHITECTURE, classes_num=len(cnn14_class_names()))


def _filled(tensors: Any, path: Path) -> Any:
    """The network with these tensors: each of its own must be there, in its exact shape, and no other."""
    with importlib.import_module("embedder.models.unfilled").Unfilled():
        network = _network()
    try:
        network.load_state_dict(tensors, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise _wrong(path, "holds the weights of another network") from error
    return network


def _wrong(path: Path, what: str) -> Misconfigured:
    return Misconfigured(f"{path} ({path.stat().st_size:,} bytes) {what}: fetch {_SOURCE}.")


def _numpy_globals() -> list[Any]:
    """What a pickled NumPy array or number calls, under the module's names before and since NumPy 2."""
    from numpy._core import multiarray

    made_by = [multiarray._reconstruct, multiarray.scalar]
    calls = [
        (call, f"numpy.{core}.multiarray.{call.__name__}") for call in made_by for core in ("core", "_core")
    ]
    kinds = [type(np.dtype(kind)) for kind in ("bool", "int32", "int64", "float32", "float64", "object")]
    return [*calls, np.ndarray, np.dtype, codecs.encode, *kinds]


def _digest(path: Path, expected: str | None) -> str:
    """The file's SHA-256; Misconfigured where it cannot be read, or is not the expected one."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read: {error.strerror}. Mend that, or fetch {_SOURCE}."
        ) from error
    if expected not in (None, digest):
        raise Misconfigured(
            f"{path} holds other weights than the published ones, its SHA-256 is {digest}: remove it, then"
            f" fetch {_SOURCE}."
        )
    return digest
