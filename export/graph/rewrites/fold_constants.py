"""Compute at export what depends on weights alone.

Precondition: any valid ONNX model.
Postcondition: the same outputs for the same inputs; no node has only constants as inputs unless its
result would be larger than ``GROWTH`` times what it reads, and not small; no initializer is unused.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from export.graph.rewrites.drop_unused_weights import drop_unused_weights

# A truth value may become a number. An Expand of one number to a large constant would cost more
# bytes than it saves work; what the units need of places and slots is small beside any weights.
GROWTH = 4
SMALL_BYTES = 256 * 1024
_NEVER = frozenset({"Constant", "RandomNormal", "RandomUniform", "If", "Loop", "Scan"})


def fold_constants(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    changed = False
    for node in graph.node:
        results = None if outputs & set(node.output) else _evaluate(node, constants, model)
        if results is None:
            kept.append(node)
            continue
        changed = True
        for name, value in zip(node.output, results, strict=True):
            constants[name] = value
            graph.initializer.append(numpy_helper.from_array(value, name))
    if changed:
        del graph.node[:]
        graph.node.extend(kept)
    return drop_unused_weights(model) or changed


def _evaluate(
    node: onnx.NodeProto, constants: dict[str, np.ndarray], model: onnx.ModelProto
) -> list[np.ndarray] | None:
    names = [name for name in node.input if name]
    if node.op_type in _NEVER or not names or any(name not in constants for name in names):
        return None
    feeds = {name: constants[name] for name in names}
    wrapped = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node],
            "fold",
            [
                onnx.helper.make_tensor_value_info(
                    name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
                )
                for name, value in feeds.items()
            ],
            [onnx.helper.make_empty_tensor_value_info(name) for name in node.output],
        ),
        opset_imports=model.opset_import,
    )
    results = [np.asarray(value) for value in ReferenceEvaluator(wrapped).run(None, feeds)]
    read = sum(value.nbytes for value in feeds.values())
    made = sum(value.nbytes for value in results)
    return results if made <= max(GROWTH * read, SMALL_BYTES) else None
