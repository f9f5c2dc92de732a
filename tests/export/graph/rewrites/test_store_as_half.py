"""Weights of products and convolutions kept in half precision, on minimal graphs."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from export.graph.rewrites.store_as_half import store_as_half  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def test_half_the_bytes_and_fp32_sums() -> None:
    weights, bias = random(64, 80), random(80)
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["m"]),
        onnx.helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    model = make_model(nodes, {"w": weights, "b": bias}, [2, 64])
    before, x = model.ByteSize(), random(2, 64)
    assert store_as_half(model) == 1
    expected = x @ weights.astype(np.float16).astype(np.float32) + bias
    np.testing.assert_allclose(run(model, x)[0], expected, rtol=1e-5, atol=1e-5)
    assert kinds(model) == {"Cast": 1, "MatMul": 1, "Add": 1}
    assert model.ByteSize() < 0.6 * before


@pytest.mark.parametrize("weights", [random(8, 8), random(64, 64) * 1e6])
def test_small_ones_and_those_beyond_half_stay(weights: np.ndarray) -> None:
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    model = make_model([node], {"w": weights}, [2, len(weights)])
    assert store_as_half(model) == 0 and kinds(model) == {"MatMul": 1}
