"""A constant as whole numbers and scales, and the nodes that make floats of them again."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["put_integers", "summed_axis"]


def summed_axis(node: onnx.NodeProto, place: int) -> int:
    """The axis of a two-dimensional factor that a MatMul or Gemm sums over.

    Args:
        node: the product.
        place: which factor, 0 or 1.
    """
    key = b"transA" if place == 0 else b"transB"
    turned = any(entry.name.encode() == key and entry.i for entry in node.attribute)
    return int((place == 0) != turned)


def put_integers(
    graph: onnx.GraphProto,
    tensor: onnx.TensorProto,
    axes: tuple[int, ...],
    dtype: type[np.signedinteger],
) -> list[onnx.NodeProto]:
    """Put whole numbers and their scales in a constant's place.

    Args:
        graph: whose initializer it is.
        tensor: float32.
        axes: what shares a scale.
        dtype: of the numbers.

    Returns:
        The nodes that unfold them, for the graph's head.
    """
    name, values = tensor.name, numpy_helper.to_array(tensor)
    largest = np.iinfo(dtype).max
    scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-12) / largest
    whole = np.round(values / scale).astype(dtype)
    short = f"{name}_{np.dtype(dtype).name}"
    graph.initializer.remove(tensor)
    graph.initializer.extend(
        [
            numpy_helper.from_array(whole, short),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
        ]
    )
    cast = f"{name}_cast"
    return [
        helper.make_node("Cast", [short], [cast], cast, to=TensorProto.FLOAT),
        helper.make_node("Mul", [cast, f"{name}_scale"], [name], f"{name}_unfold"),
    ]
