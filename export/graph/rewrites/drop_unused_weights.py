"""Remove weights that no node reads.

Precondition: any valid ONNX model.
Postcondition: the same outputs; every initializer is read by a node or is an output itself.
"""

from __future__ import annotations

import onnx


def drop_unused_weights(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    used |= {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    if len(kept) == len(graph.initializer):
        return False
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return True
