"""Compute a half-precision graph in fp32, rounding to half after every operator.

Precondition: a valid model, as :mod:`.convert_to_half` leaves it.
Postcondition: no value is half any more except between the two casts that round it; what was
computed in half is computed in fp32 from the same rounded inputs and weights, then rounded, and
overflows to infinity where half does. That is what a GPU gives that adds up in fp32. Inputs and
outputs keep their names and types.

For measuring on CPUs: ONNX Runtime's CPU provider drops the casts that a half graph needs between
its operators, so that nothing is rounded in between, and keeps those that the graph itself holds
(1.31.1).
"""

from __future__ import annotations

import onnx
from onnx import TensorProto

from export.graph.rewrites.convert_to_half import MOVES
from export.graph.rewrites.graph_view import infer_shapes

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16

__all__ = ["round_like_half"]


def round_like_half(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything was in half precision."""
    halves = _half_values(model)
    if not halves:
        return False
    weights = [t.name for t in model.graph.initializer if t.data_type == _HALF]
    nodes = [_cast(name, f"{name}_widened", _FLOAT) for name in weights]
    widened = {name: f"{name}_widened" for name in weights}
    for node in model.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for index, name in enumerate(node.input):
            copy.input[index] = widened.get(name, name)
        rounded = [] if node.op_type in MOVES else [n for n in node.output if n in halves]
        for index, name in enumerate(node.output):
            if name in rounded:
                copy.output[index] = f"{name}_exact"
        if node.op_type == "Cast" and rounded:
            next(item for item in copy.attribute if item.name == "to").i = _FLOAT
        nodes.append(copy)
        for name in rounded:
            nodes.append(_cast(f"{name}_exact", f"{name}_rounded", _HALF))
            nodes.append(_cast(f"{name}_rounded", name, _FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    return True


def _cast(source: str, target: str, to: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [source], [target], name=f"round_{target}", to=to)


def _half_values(model: onnx.ModelProto) -> set[str]:
    inferred = infer_shapes(model).graph
    names = {tensor.name for tensor in model.graph.initializer if tensor.data_type == _HALF}
    for value in inferred.value_info:
        if value.type.tensor_type.elem_type == _HALF:
            names.add(value.name)
    return names
