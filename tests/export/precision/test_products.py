"""Counting what products compute in, on graphs of three nodes."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.precision.products import count_products  # noqa: E402
from tests.export.small_graphs import make_model, random  # noqa: E402


def test_fp32_and_half() -> None:
    half = onnx.TensorProto.FLOAT16
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="full"),
        helper.make_node("Cast", ["a"], ["b"], name="down", to=half),
        helper.make_node("MatMul", ["b", "v"], ["c"], name="half"),
        helper.make_node("Cast", ["c"], ["y"], name="up", to=onnx.TensorProto.FLOAT),
    ]
    weights = {"w": random(8, 6), "v": random(6, 5).astype(np.float16)}
    model = make_model(nodes, weights, (4, 8))
    assert count_products(model) == {"half": 1, "fp32": 1, "quantised": 0}


def test_quantised_in_pairs() -> None:
    weights = {
        "w": random(8, 6),
        "v": np.ones((6, 5), np.int8),
        "s": np.float32(0.1),
        "z": np.int8(0),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="full"),
        helper.make_node("QuantizeLinear", ["a", "s", "z"], ["q"], name="down"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["b"], name="up"),
        helper.make_node("DequantizeLinear", ["v", "s", "z"], ["u"], name="weight"),
        helper.make_node("MatMul", ["b", "u"], ["y"], name="quantised"),
    ]
    model = make_model(nodes, weights, (4, 8))
    assert count_products(model) == {"half": 0, "fp32": 1, "quantised": 1}
