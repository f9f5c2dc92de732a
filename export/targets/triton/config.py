"""A model's ``config.pbtxt``: what Triton must know to serve a bundle's graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

_TYPES = {
    onnx.TensorProto.FLOAT: "TYPE_FP32",
    onnx.TensorProto.FLOAT16: "TYPE_FP16",
    onnx.TensorProto.UINT8: "TYPE_UINT8",
    onnx.TensorProto.INT8: "TYPE_INT8",
    onnx.TensorProto.INT32: "TYPE_INT32",
    onnx.TensorProto.INT64: "TYPE_INT64",
    onnx.TensorProto.BOOL: "TYPE_BOOL",
}

__all__ = ["MARK", "ModelTensor", "format_config", "read_tensors"]

# The first line of every file of ours: what lacks it was written by somebody else.
MARK = "# Written by python -m export --triton; a later export may replace it."


@dataclass(frozen=True)
class ModelTensor:
    """An input or output as Triton sees it; -1 for a side that may vary."""

    name: str
    type: str
    dims: tuple[int, ...]


def read_tensors(values: Sequence[onnx.ValueInfoProto]) -> list[ModelTensor]:
    """The inputs, or the outputs, of a graph."""
    tensors = []
    for value in values:
        tensor = value.type.tensor_type
        sides = tuple(-1 if side.dim_param else side.dim_value for side in tensor.shape.dim)
        tensors.append(ModelTensor(value.name, _TYPES[tensor.elem_type], sides))
    return tensors


def format_config(
    name: str,
    inputs: Sequence[ModelTensor],
    outputs: Sequence[ModelTensor],
    *,
    instances: int,
    warm_up: Mapping[str, Sequence[int]],
    parameters: Mapping[str, str],
) -> str:
    """The text of ``config.pbtxt`` for an ONNX model.

    Args:
        name: the model's name, its folder's too.
        inputs: in the graph's order; a batch side is one of the dims, so Triton adds none.
        outputs: likewise.
        instances: how many run on each GPU, or on the CPU where there is none.
        warm_up: the shape of each input in the requests that are run before the first real one.
        parameters: what a client may want to know.
    """
    lines = [
        MARK,
        f"name: {_quote(name)}",
        'backend: "onnxruntime"',
        "max_batch_size: 0",
        *_tensors("input", inputs),
        *_tensors("output", outputs),
        # On every GPU there is, else on the CPU.
        "instance_group [",
        f"  {{ count: {instances} kind: KIND_AUTO }}",
        "]",
        # An older version stays loadable while clients move over.
        "version_policy { latest { num_versions: 2 } }",
        "model_warmup [",
        '  { name: "zeros" batch_size: 0',
    ]
    for tensor in inputs:
        dims = ", ".join(map(str, warm_up[tensor.name]))
        lines.append(
            f"    inputs {{ key: {_quote(tensor.name)} value {{ data_type: {tensor.type} "
            f"dims: [ {dims} ] zero_data: true }} }}"
        )
    lines += ["  }", "]"]
    for key, value in parameters.items():
        lines.append(
            f"parameters {{ key: {_quote(key)} value {{ string_value: {_quote(value)} }} }}"
        )
    return "\n".join(lines) + "\n"


def _tensors(field: str, tensors: Sequence[ModelTensor]) -> list[str]:
    entries = [
        f"  {{ name: {_quote(tensor.name)} data_type: {tensor.type} "
        f"dims: [ {', '.join(map(str, tensor.dims))} ] }}"
        for tensor in tensors
    ]
    return [f"{field} [", ",\n".join(entries), "]"]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
