"""Take the only item of an axis without copying it.

``batch[0]`` is traced as a Gather, which copies the whole tensor; a Squeeze only renames it.

Precondition: a valid model.
Postcondition: the same outputs; no Gather picks item 0 (or -1) of an axis of length one by a
constant single number.
"""

from __future__ import annotations

import numpy as np
import onnx

from export.graph.rewrites.drop_unused_weights import drop_unused_weights
from export.graph.rewrites.graph_view import GraphView, set_weight


def squeeze_single_items(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    view = GraphView(model)
    shapes = view.shapes()
    changed = False
    for node in model.graph.node:
        if node.op_type != "Gather":
            continue
        item, shape = view.constant(node.input[1]), shapes.get(node.input[0])
        axis = next((entry.i for entry in node.attribute if entry.name == "axis"), 0)
        if item is None or item.ndim or int(item) not in (0, -1) or shape is None:
            continue
        if shape[axis] != 1:
            continue
        axes = f"{node.name}_axes"
        set_weight(model, axes, np.array([axis], np.int64))
        node.op_type = "Squeeze"
        node.input[1] = axes
        del node.attribute[:]
        changed = True
    return drop_unused_weights(model) or changed
