"""Keep a matrix that stands in the graph several times only once.

What is computed from shapes alone comes out of the exporter anew at every place that asks for it:
the identity matrix once in each round in which units merge.

Precondition: a valid model.
Postcondition: the same outputs; no two initializers of two or more axes have the same type, shape
and values. (Shorter ones are let be: they weigh nothing, and untrained models are full of equal
vectors that trained ones are not.)
"""

from __future__ import annotations

import hashlib

import onnx
from onnx import numpy_helper


def merge_equal_constants(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    graph = model.graph
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    instead: dict[str, str] = {}
    outputs = {value.name for value in graph.output}
    for tensor in graph.initializer:
        if len(tensor.dims) < 2 or tensor.name in outputs:
            continue
        content = hashlib.sha256(numpy_helper.to_array(tensor).tobytes()).digest()
        key = (tensor.data_type, tuple(tensor.dims), content)
        kept = first.setdefault(key, tensor.name)
        if kept != tensor.name:
            instead[tensor.name] = kept
    if not instead:
        return False
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = instead.get(name, name)
    left = [tensor for tensor in graph.initializer if tensor.name not in instead]
    del graph.initializer[:]
    graph.initializer.extend(left)
    return True
