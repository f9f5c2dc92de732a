"""Weights kept as int16 with a scale a channel, on minimal graphs."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from export.graph.rewrites.store_as_int16 import store_as_int16  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def rounded(weights: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    step = np.abs(weights).max(axis=axes, keepdims=True) / 32767
    return np.round(weights / step) * step


def test_half_the_bytes_and_a_scale_an_output_channel() -> None:
    weights = random(64, 80)
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    model = make_model([node], {"w": weights}, [2, 64])
    before, x = model.ByteSize(), random(2, 64)
    assert store_as_int16(model) == 1
    np.testing.assert_allclose(run(model, x)[0], x @ rounded(weights, (0,)), rtol=1e-5, atol=1e-5)
    assert kinds(model) == {"Cast": 1, "Mul": 1, "MatMul": 1}
    assert model.ByteSize() < 0.6 * before


def test_of_a_convolution_too() -> None:
    weights = random(16, 8, 3, 3) * np.logspace(0, 3, 16).reshape(-1, 1, 1, 1).astype(np.float32)
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    model = make_model([node], {"w": weights}, [1, 8, 5, 5])
    x = random(1, 8, 5, 5)
    exact = run(model, x)[0]
    assert store_as_int16(model) == 1
    # Each channel by its own size: the smallest is as exact as the largest.
    worst_o = np.abs(run(model, x)[0] - exact).max(axis=(0, 2, 3))
    assert (worst_o < 1e-3 * np.abs(exact).max(axis=(0, 2, 3))).all()


def test_small_ones_and_products_of_two_activations_stay() -> None:
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["a"]),
        onnx.helper.make_node("MatMul", ["a", "a"], ["y"]),
    ]
    model = make_model(nodes, {"w": random(4, 4)}, [4, 4])
    assert store_as_int16(model) == 0 and kinds(model) == {"MatMul": 2}
