"""Weights of matrix products kept as int8 rows or columns with a scale each, computed in fp32.

Where the activations are quantised too, each by the range of its whole batch, a text's embedding
depends on the texts beside it. With the weights alone it does not. ONNX Runtime unfolds the weights
when it loads the graph, so that only the file is smaller.
"""

from __future__ import annotations

import ast

import numpy as np
import onnx
from onnx import TensorProto

from export.graph.rewrites.integer_weights import put_integers, summed_axis

# Smaller ones, biases among them, are not worth two nodes.
LEAST_VALUES = 4096

__all__ = ["store_as_int8"]


def store_as_int8(model: onnx.ModelProto, but: str | None = None) -> int:
    """Store the constant matrices of MatMul and Gemm as int8, one scale an output channel.

    Args:
        model: the fp32 graph; changed in place.
        but: a module of what was traced, whose matrices stay as they are.

    Returns:
        How many matrices are stored so.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    axes: dict[str, int] = {}  # the axis that is summed over
    for node in graph.node:
        for place, name in enumerate(node.input[:2]):
            tensor = weights.get(name)
            if tensor is None or (but is not None and _stands_in(node, but)):
                continue
            if node.op_type in ("MatMul", "Gemm") and _is_large(tensor):
                axes.setdefault(name, summed_axis(node, place))
    unfolded = [
        node
        for name, axis in axes.items()
        for node in put_integers(graph, weights[name], (axis,), np.int8)
    ]
    nodes = [*unfolded, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(axes)


def _stands_in(node: onnx.NodeProto, module: str) -> bool:
    """Whether a node was traced in a module, as PyTorch's exporter notes it."""
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            return module in ast.literal_eval(entry.value)
    return False


def _is_large(tensor: onnx.TensorProto) -> bool:
    return (
        tensor.data_type == TensorProto.FLOAT
        and len(tensor.dims) == 2
        and int(np.prod(tensor.dims)) >= LEAST_VALUES
    )
