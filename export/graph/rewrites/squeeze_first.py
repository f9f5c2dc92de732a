"""Take the only item of the first axis before a transpose that leaves this axis where it is.

A batch of one comes out of a layer that ends with its axes in another order, and what follows wants
the item alone, in the order before: the two transposes then follow one another, and
:mod:`merge_transposes` can join them.

Precondition: a valid model; every Transpose states its permutation.
Postcondition: the same outputs; no Squeeze of the first axis alone reads a Transpose that leaves
this axis in place and that nobody else reads.
"""

from __future__ import annotations

import onnx
from onnx import helper

from export.graph.rewrites.graph_view import GraphView, permutation


def squeeze_first(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    view = GraphView(model)
    moved: set[str] = set()
    for squeeze in model.graph.node:
        if squeeze.op_type != "Squeeze" or len(squeeze.input) < 2:
            continue
        axes = view.constant(squeeze.input[1])
        turn = view.maker(squeeze.input[0], "Transpose")
        if turn is None or axes is None or axes.tolist() != [0]:
            continue
        order = permutation(turn)
        if order[0] != 0 or view.only_reader(turn.output[0]) is None:
            continue
        # Each node does the other's work in its own place.
        turn.op_type, squeeze.op_type = "Squeeze", "Transpose"
        turn.input.append(squeeze.input.pop())
        del turn.attribute[:]
        perm = helper.make_attribute("perm", [axis - 1 for axis in order[1:]])
        squeeze.attribute.append(perm)
        moved.add(turn.output[0])
    for value in [value for value in model.graph.value_info if value.name in moved]:
        model.graph.value_info.remove(value)  # it has another shape now
    return bool(moved)
