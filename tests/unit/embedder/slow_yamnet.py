"""YAMNet layer by layer in double precision, from the shipped tensors: slow, and plain to read."""

import zipfile

import numpy as np

from embedder.models import onnx_graph, yamnet_weights
from embedder.models.model import FloatArray

HALVING = {0, 3, 7, 11, 23}
"""The convolutions that keep every second row and column."""


def slow_yamnet(patches: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings `[patches, 1024]` and logits `[patches, 521]` of patches `[patches, 1, 96, 64]`.

    Every result is kept in the range of its shipped 8-bit steps, and none is rounded to one.
    """
    with zipfile.ZipFile(yamnet_weights.wheel_data() / "YamNet_w8a8.onnx.zip") as bundle:
        [graph_file], [tensor_file] = (
            [name for name in bundle.namelist() if name.endswith(end)] for end in (".onnx", ".data")
        )
        graph = onnx_graph.parse(bundle.read(graph_file)).graph
        onnx_graph.take_in(graph, bundle.read(tensor_file))
    tensors = {tensor.name: onnx_graph.array(tensor).astype(np.float64) for tensor in graph.initializer}
    quantized = {node.input[0]: node for node in graph.node if node.op_type.endswith("Linear")}

    def in_range(name: str, values: np.ndarray) -> np.ndarray:
        _, scale, zero_point = quantized[name].input
        steps = np.array([0, 255]) - tensors[zero_point]
        return np.clip(values, *(steps * tensors[scale]))

    x = in_range("audio", patches.astype(np.float64))
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    activations = [node.output[0] for node in graph.node if node.op_type == "Relu"]
    for number, (node, activation) in enumerate(zip(convolutions, activations, strict=True)):
        weights = tensors[node.input[1].removesuffix("_qdq")]
        bias = tensors[node.input[2]][:, np.newaxis, np.newaxis]
        x = in_range(activation, np.maximum(0, convolved(x, weights, number in HALVING) + bias))
    [pool] = [node for node in graph.node if node.op_type == "GlobalAveragePool"]
    embeddings = in_range(pool.output[0], x.mean(axis=(2, 3)))
    classifier, bias = tensors["model.classifier.weight"], tensors["model.classifier.bias"]
    return embeddings, embeddings @ classifier.T + bias


def convolved(x: np.ndarray, weights: np.ndarray, halving: bool) -> np.ndarray:
    """`[patches, channels, rows, columns]`, padded as in TensorFlow: not before, when halving."""
    size, step = weights.shape[2], 2 if halving else 1
    before = 0 if halving else size // 2
    after = size - step if halving else size // 2
    rows, columns = x.shape[2] // step, x.shape[3] // step
    x = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
    total: np.ndarray | float = 0.0
    for row in range(size):
        for column in range(size):
            seen = x[:, :, row : row + step * rows : step, column : column + step * columns : step]
            weight = weights[:, :, row, column]
            if weight.shape[1] == 1:  # each channel for itself; the first layer has one only
                total = total + seen * weight[:, 0, np.newaxis, np.newaxis]
            else:
                total = total + np.einsum("nchw,oc->nohw", seen, weight, optimize=True)
    return np.asarray(total)
