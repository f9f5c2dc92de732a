"""Weights of products kept as int8, on minimal graphs."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from export.graph.rewrites.store_as_int8 import store_as_int8  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402

WEIGHTS = random(64, 80) * np.linspace(0.1, 9, 80, dtype=np.float32)


def rounded(weights: np.ndarray, axis: int) -> np.ndarray:
    step = np.abs(weights).max(axis=axis, keepdims=True) / 127
    return np.round(weights / step) * step


def test_each_output_channel_has_a_scale() -> None:
    model = make_model(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": WEIGHTS}, [2, 64]
    )
    x = random(2, 64)
    assert store_as_int8(model) == 1
    np.testing.assert_allclose(run(model, x)[0], x @ rounded(WEIGHTS, 0), rtol=1e-4, atol=1e-4)
    assert kinds(model) == {"Cast": 1, "Mul": 1, "MatMul": 1}
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    assert stored["w_int8"].data_type == onnx.TensorProto.INT8 and "w" not in stored


def test_of_a_turned_gemm_too_and_the_bias_stays() -> None:
    bias = random(64)
    node = onnx.helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    model = make_model([node], {"w": WEIGHTS, "b": bias}, [2, 80])
    x = random(2, 80)
    assert store_as_int8(model) == 1
    expected = x @ rounded(WEIGHTS, 1).T + bias
    np.testing.assert_allclose(run(model, x)[0], expected, rtol=1e-4, atol=1e-3)


def test_small_ones_and_products_of_two_activations_stay() -> None:
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["a"]),
        onnx.helper.make_node("MatMul", ["a", "a"], ["y"]),
    ]
    model = make_model(nodes, {"w": random(4, 4)}, [4, 4])
    assert store_as_int8(model) == 0 and kinds(model) == {"MatMul": 2}


def test_a_module_that_is_left_out_stays() -> None:
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    scope = node.metadata_props.add()
    scope.key, scope.value = "pkg.torch.onnx.name_scopes", "['', 'head', 'head.map', 'linear']"
    model = make_model([node], {"w": WEIGHTS}, [2, 64])
    assert store_as_int8(model, but="head") == 0 and kinds(model) == {"MatMul": 1}
    assert store_as_int8(model, but="tower") == 1
