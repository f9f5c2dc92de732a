"""What the matrix products and convolutions of a graph compute in, counted for the manifest."""

from __future__ import annotations

import onnx

from export.graph.rewrites.graph_view import infer_shapes

# One layer each in TensorRT, which counts them again when it has read the graph.
PRODUCTS = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose"})
_INTEGER_PRODUCTS = frozenset({"MatMulInteger", "ConvInteger"})

__all__ = ["PRODUCTS", "count_products"]


def count_products(model: onnx.ModelProto) -> dict[str, int]:
    """Count a graph's products: ``half``, ``fp32``, ``quantised``.

    Quantised are integer products, and those that read what a DequantizeLinear gives.
    """
    inferred = infer_shapes(model).graph
    half = {
        value.name
        for value in (*inferred.value_info, *inferred.output)
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    }
    dequantised = {
        name
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
        for name in node.output
    }
    counts = {"half": 0, "fp32": 0, "quantised": 0}
    for node in model.graph.node:
        if node.op_type in _INTEGER_PRODUCTS:
            counts["quantised"] += 1
        elif node.op_type in PRODUCTS:
            if dequantised & set(node.input[:2]):
                counts["quantised"] += 1
            else:
                counts["half" if node.output[0] in half else "fp32"] += 1
    return counts
