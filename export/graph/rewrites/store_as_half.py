"""Weights kept in half precision and computed in fp32: a file of half the size.

The engine unfolds them when it loads the graph; what it computes then is fp32 with weights rounded
to half precision, whatever the device.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Smaller ones, biases among them, are not worth a node.
LEAST_VALUES = 1024
_WEIGHTED = ("MatMul", "Gemm", "Conv", "ConvTranspose")
_LARGEST = float(np.finfo(np.float16).max)

__all__ = ["store_as_half"]


def store_as_half(model: onnx.ModelProto) -> int:
    """Store the constant factors of products and convolutions as float16.

    Args:
        model: the fp32 graph; changed in place.

    Returns:
        How many are stored so; one with a value beyond half precision stays as it is.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    read = dict.fromkeys(
        name
        for node in graph.node
        if node.op_type in _WEIGHTED
        for name in node.input[:2]
        if name in weights
    )
    casts = []
    for name in read:
        tensor = weights[name]
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LEAST_VALUES:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > _LARGEST:
            continue
        graph.initializer.remove(tensor)
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        graph.initializer.append(half)
        casts.append(
            helper.make_node("Cast", [half.name], [name], f"{name}_unfold", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(casts)
