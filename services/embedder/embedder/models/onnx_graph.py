"""Reads and changes the few parts of an ONNX file that the embedder needs.

The `onnx` package would bring 20 MB for a few small edits, so that the messages are declared here as far as
they are touched, with the field numbers of onnx.proto; protobuf keeps the fields that it does not know.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

_MESSAGES: dict[str, list[tuple[str, int, str]]] = {
    "Model": [("graph", 7, "Graph")],
    "Graph": [
        ("node", 1, "repeated Node"),
        ("initializer", 5, "repeated Tensor"),
        ("input", 11, "repeated Value"),
        ("output", 12, "repeated Value"),
        ("value_info", 13, "repeated Value"),
    ],
    "Node": [
        ("input", 1, "repeated string"),
        ("output", 2, "repeated string"),
        ("op_type", 4, "string"),
        ("attribute", 5, "repeated Attribute"),
    ],
    "Attribute": [],
    "Tensor": [
        ("dims", 1, "repeated int64"),
        ("data_type", 2, "int32"),
        ("name", 8, "string"),
        ("raw_data", 9, "bytes"),
        ("external_data", 13, "repeated Entry"),
        ("data_location", 14, "int32"),
    ],
    "Entry": [("key", 1, "string"), ("value", 2, "string")],
    "Value": [("name", 1, "string"), ("type", 2, "Type")],
    "Type": [("tensor_type", 1, "TensorType")],
    "TensorType": [("elem_type", 1, "int32"), ("shape", 2, "Shape")],
    "Shape": [("dim", 1, "repeated Dim")],
    "Dim": [("dim_value", 1, "int64"), ("dim_param", 2, "string")],
}


def parse(data: bytes) -> Any:
    """The model in the bytes of an ONNX file. Raises google.protobuf.message.DecodeError."""
    return _message_class().FromString(data)


FLOAT, UINT8, INT8, INT64 = 1, 2, 3, 7  # TensorProto.DataType
_DTYPES = {FLOAT: "<f4", UINT8: "u1", INT8: "i1", INT64: "<i8"}


def take_in(graph: Any, data: bytes) -> None:
    """Put the tensors that lie in a file beside the model, whose content is `data`, into the model."""
    for tensor in graph.initializer:
        if tensor.external_data:
            place = {entry.key: entry.value for entry in tensor.external_data}
            offset, length = int(place.get("offset", 0)), int(place["length"])
            tensor.raw_data = data[offset : offset + length]
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")


def array(tensor: Any) -> npt.NDArray[Any]:
    """The numbers of a tensor that lies in the model. Raises ValueError where some are missing."""
    return np.frombuffer(tensor.raw_data, _DTYPES[tensor.data_type]).reshape(tuple(tensor.dims))


def add_number(graph: Any, name: str, number: float) -> None:
    """A constant float32 without dimensions."""
    raw = np.array(number, "<f4").tobytes()
    graph.initializer.add(name=name, data_type=FLOAT, raw_data=raw)


def _message_class() -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    kinds = {"string": field.TYPE_STRING, "bytes": field.TYPE_BYTES, "int32": field.TYPE_INT32}
    kinds["int64"] = field.TYPE_INT64
    file = descriptor_pb2.FileDescriptorProto(name="part_of_onnx.proto", package="part_of_onnx")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, number, what in fields:
            kind = what.removeprefix("repeated ")
            label = field.LABEL_OPTIONAL if what == kind else field.LABEL_REPEATED
            added = declared.field.add(name=name, number=number, label=label)
            added.type = kinds.get(kind, field.TYPE_MESSAGE)
            if kind not in kinds:
                added.type_name = f".part_of_onnx.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("part_of_onnx.Model"))
