"""What TensorRT 10.3 to 11 does not take in an ONNX graph, told before a device is needed."""

from __future__ import annotations

from pathlib import Path

import onnx

from export.graph.opset import HIGHEST_OPSET, STANDARD_DOMAINS, opset_of
from runtime.errors import MgcaError

# No TensorRT has them, or only with sizes known at build time, or with no promise of speed.
REFUSED_OPS = frozenset(
    {
        "BitShift",
        "Compress",
        "ConvInteger",
        "DynamicQuantizeLinear",
        "If",
        "Loop",
        "MatMulInteger",
        "NonZero",
        "QLinearConv",
        "QLinearMatMul",
        "Scan",
        "SequenceConstruct",
        "Unique",
    }
)
_REMEDY = "export the bundle again with python -m export"

__all__ = ["check_compatibility", "find_incompatibilities"]


def check_compatibility(path: Path) -> None:
    """Raise :class:`MgcaError` with everything in a graph that TensorRT would refuse."""
    found = find_incompatibilities(onnx.load(str(path), load_external_data=False))
    if found:
        raise MgcaError(f"{path.name} is no graph for TensorRT: {'; '.join(found)}; {_REMEDY}")


def find_incompatibilities(model: onnx.ModelProto) -> list[str]:
    """What TensorRT would refuse in a graph, a phrase each; empty for a good one."""
    found = []
    opset = opset_of(model)
    if opset > HIGHEST_OPSET:
        found.append(f"operator set {opset} is newer than {HIGHEST_OPSET}, JetPack 6's")
    foreign = {node.domain for node in model.graph.node} - STANDARD_DOMAINS
    if foreign:
        found.append(f"operators of {', '.join(sorted(foreign))}")
    refused = {node.op_type for node in model.graph.node} & REFUSED_OPS
    if refused:
        found.append(f"operators {', '.join(sorted(refused))}")
    found += _uncast_bytes(model)
    found += _wide_resizes(model)
    return found


def _uncast_bytes(model: onnx.ModelProto) -> list[str]:
    """uint8 goes into Cast and nothing else, not even into what only moves data."""
    inputs = {
        value.name
        for value in model.graph.input
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    }
    return [
        f"uint8 input {name} goes into {node.op_type}, and TensorRT takes uint8 into Cast only"
        for node in model.graph.node
        for name in node.input
        if name in inputs and node.op_type != "Cast"
    ]


def _wide_resizes(model: onnx.ModelProto) -> list[str]:
    found = []
    for node in model.graph.node:
        if node.op_type != "Resize":
            continue
        values = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        if values.get("mode", b"nearest") == b"cubic" or values.get("antialias", 0):
            found.append(f"Resize {node.name} is cubic or antialiased")
    return found
