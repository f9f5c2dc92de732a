"""Batch normalisation goes into the convolution."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.fold_batch_norm import fold_batch_norm  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


@pytest.mark.parametrize("with_bias", [False, True])
def test_it_is_folded(with_bias: bool) -> None:
    inputs = ["x", "w", "b"] if with_bias else ["x", "w"]
    nodes = [
        helper.make_node("Conv", inputs, ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "s", "t", "m", "v"], ["n"], epsilon=1e-3),
        helper.make_node("Relu", ["n"], ["y"]),
    ]
    weights = {"w": random(4, 3, 3, 3), "s": random(4), "t": 2 * random(4), "m": random(4) - 1}
    weights["v"] = np.array([0.1, 1.0, 2.0, 0.01], np.float32)
    if with_bias:
        weights["b"] = random(4)
    model, x = make_model(nodes, weights, (1, 3, 6, 6)), random(1, 3, 6, 6)
    before = run(model, x)
    assert fold_batch_norm(model)
    assert kinds(model) == {"Conv": 1, "Relu": 1}
    np.testing.assert_allclose(run(model, x), before, rtol=1e-4, atol=1e-4)
    assert not fold_batch_norm(model)


def test_a_convolution_that_others_read_stays() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "s", "s", "s", "s"], ["n"]),
        helper.make_node("Add", ["n", "a"], ["y"]),
    ]
    weights = {"w": random(3, 3, 1, 1), "s": np.ones(3, np.float32)}
    assert not fold_batch_norm(make_model(nodes, weights, (1, 3, 2, 2)))
