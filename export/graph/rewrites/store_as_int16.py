"""Weights kept as int16 with a scale each output channel, computed in fp32: half the bytes.

Half precision takes as many bytes and keeps eleven bits of each weight, whatever its size; this
keeps sixteen of the largest in its channel. Where small differences decide (units that are merged
at a threshold), that is the difference. ONNX Runtime and OpenVINO unfold them when they load.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from export.graph.rewrites.integer_weights import put_integers, summed_axis

# Smaller ones, biases among them, are not worth two nodes.
LEAST_VALUES = 1024

__all__ = ["store_as_int16"]


def store_as_int16(model: onnx.ModelProto) -> int:
    """Store the constant factors of MatMul, Gemm and Conv as int16.

    Args:
        model: the fp32 graph; changed in place.

    Returns:
        How many are stored so.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    axes: dict[str, tuple[int, ...]] = {}  # what shares a scale
    for node in graph.node:
        for place, name in enumerate(node.input[:2]):
            tensor = weights.get(name)
            if tensor is None or not _is_large(tensor):
                continue
            if node.op_type == "Conv" and place == 1:
                axes.setdefault(name, tuple(range(1, len(tensor.dims))))
            elif node.op_type in ("MatMul", "Gemm") and len(tensor.dims) == 2:
                axes.setdefault(name, (summed_axis(node, place),))
    unfolded = [
        node
        for name, shared in axes.items()
        for node in put_integers(graph, weights[name], shared, np.int16)
    ]
    nodes = [*unfolded, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(axes)


def _is_large(tensor: onnx.TensorProto) -> bool:
    return tensor.data_type == TensorProto.FLOAT and int(np.prod(tensor.dims)) >= LEAST_VALUES
