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


def cast_first(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    view = GraphView(model)
    changed = False
    for value in model.graph.input:
        if value.type.tensor_type.elem_type != onnx.TensorProto.UINT8:
            continue
        for turn in view.readers.get(value.name, []):
            cast = view.only_reader(turn.output[0]) if turn.op_type == "Transpose" else None
            if cast is None or cast.op_type != "Cast":
                continue
            # The two nodes change places: what leaves the pair keeps its name.
            between, last = turn.output[0], cast.output[0]
            cast.input[0], cast.output[0] = value.name, between
            turn.input[0], turn.output[0] = between, last
            nodes = list(model.graph.node)
            first, second = nodes.index(turn), nodes.index(cast)
            nodes[first], nodes[second] = nodes[second], nodes[first]
            del model.graph.node[:]
            model.graph.node.extend(nodes)
            return cast_first(model) or True
    return changed
