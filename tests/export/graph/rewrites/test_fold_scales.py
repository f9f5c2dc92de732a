"""Scales that go into the weights before them."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.fold_scales import fold_scales  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def test_gate_after_a_convolution() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"]),
        helper.make_node("Mul", ["gate", "a"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    weights = {"w": random(4, 3, 1, 1), "b": random(4), "gate": random(4, 1, 1)}
    model = make_model(nodes, weights, (1, 3, 5, 5))
    x = random(1, 3, 5, 5)
    before = run(model, x)
    assert fold_scales(model)
    assert kinds(model) == {"Conv": 1, "Relu": 1}
    np.testing.assert_allclose(run(model, x), before, atol=1e-5)
    assert not fold_scales(model)


def test_attention_scales_of_queries_and_keys() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["qkv"]),
        helper.make_node("Split", ["qkv"], ["q", "k", "v"], axis=2, num_outputs=3),
        helper.make_node("Reshape", ["q", "heads"], ["q4"]),
        helper.make_node("Transpose", ["q4"], ["qh"], perm=[0, 2, 1, 3]),
        helper.make_node("Mul", ["qh", "s"], ["qs"]),
        helper.make_node("Reshape", ["k", "heads"], ["k4"]),
        helper.make_node("Transpose", ["k4"], ["kh"], perm=[0, 2, 3, 1]),
        helper.make_node("Mul", ["kh", "s"], ["ks"]),
        helper.make_node("MatMul", ["qs", "ks"], ["logits"]),
        helper.make_node("Reshape", ["v", "heads"], ["v4"]),
        helper.make_node("Transpose", ["v4"], ["vh"], perm=[0, 2, 1, 3]),
        helper.make_node("MatMul", ["logits", "vh"], ["y"]),
    ]
    weights = {
        "w": random(6, 12),
        "b": random(12),
        "s": np.array([0.5], np.float32),
        "heads": np.array([1, 5, 2, 2]),
    }
    model = make_model(nodes, weights, (1, 5, 6))
    x = random(1, 5, 6)
    before = run(model, x)
    assert fold_scales(model)
    assert "Mul" not in kinds(model)
    np.testing.assert_allclose(run(model, x), before, rtol=1e-4, atol=1e-4)


def test_a_weight_with_two_readers_is_not_changed_under_the_other() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Mul", ["a", "gate"], ["c"]),
        helper.make_node("Conv", ["x", "w"], ["d"]),
        helper.make_node("Add", ["c", "d"], ["y"]),
    ]
    model = make_model(nodes, {"w": random(3, 3, 1, 1), "gate": random(3, 1, 1)}, (1, 3, 4, 4))
    x = random(1, 3, 4, 4)
    before = run(model, x)
    assert fold_scales(model)
    assert kinds(model) == {"Conv": 2, "Add": 1}
    np.testing.assert_allclose(run(model, x), before, atol=1e-5)


@pytest.mark.parametrize("more_outputs", [(), ("a",)])
def test_what_others_read_is_left_alone(more_outputs) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Mul", ["a", "gate"], ["c"]),
        helper.make_node("Add", ["a" if not more_outputs else "c", "c"], ["y"]),
    ]
    weights = {"w": random(3, 3, 1, 1), "gate": random(3, 1, 1)}
    model = make_model(nodes, weights, (1, 3, 4, 4), more_outputs=more_outputs)
    assert not fold_scales(model)


def test_scale_of_positions_is_not_a_scale_of_channels() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Mul", ["a", "row"], ["y0"]),
        helper.make_node("Relu", ["y0"], ["y"]),
    ]
    model = make_model(nodes, {"w": random(3, 3, 1, 1), "row": random(1, 3)}, (1, 3, 3, 3))
    assert not fold_scales(model)
