"""Make a cast the first thing that happens to the frame.

TensorRT takes a uint8 input into a Cast only: no other layer reads one, not even one that only
moves data (NVIDIA/TensorRT#3985).

Precondition: a valid model.
Postcondition: the same outputs; where a uint8 input went through one Transpose into Casts alone, it
goes through the Cast first.
"""

from __future__ import annotations

import onnx

from export.graph.rewrites.graph_view import GraphView
from export.graph.rewrites.repetition import repeat_steps


def cast_first(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    return repeat_steps(model, _swap_one)


def _swap_one(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for value in model.graph.input:
        if value.type.tensor_type.elem_type != onnx.TensorProto.UINT8:
            continue
        for transpose in view.readers.get(value.name, []):
            moves = transpose.op_type == "Transpose"
            cast = view.only_reader(transpose.output[0]) if moves else None
            if cast is not None and cast.op_type == "Cast":
                _change_places(model, transpose, cast)
                return True
    return False


def _change_places(model: onnx.ModelProto, transpose: onnx.NodeProto, cast: onnx.NodeProto) -> None:
    """Put a cast before the transpose that it reads; what leaves the pair keeps its name."""
    source, between, last = transpose.input[0], transpose.output[0], cast.output[0]
    cast.input[0], cast.output[0] = source, between
    transpose.input[0], transpose.output[0] = between, last
    nodes = list(model.graph.node)
    first, second = nodes.index(transpose), nodes.index(cast)
    nodes[first], nodes[second] = nodes[second], nodes[first]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
