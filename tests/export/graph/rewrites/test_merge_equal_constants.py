"""Equal matrices on a graph of four nodes."""

from __future__ import annotations

import numpy as np
from onnx import helper

from export.graph.rewrites.merge_equal_constants import merge_equal_constants
from tests.export.small_graphs import make_model, random, run


def _model(second: np.ndarray, more: dict[str, np.ndarray] | None = None):
    nodes = [
        helper.make_node("MatMul", ["x", "one"], ["a"]),
        helper.make_node("Add", ["a", "v"], ["b"]),
        helper.make_node("MatMul", ["b", "two"], ["c"]),
        helper.make_node("Add", ["c", "w"], ["y"]),
    ]
    vectors = {"v": np.ones(3, np.float32), "w": np.ones(3, np.float32)}
    weights = {"one": np.eye(3, dtype=np.float32), "two": second, **vectors, **(more or {})}
    return make_model(nodes, weights, (2, 3))


def test_equal_matrices_become_one_and_vectors_stay() -> None:
    model, x = _model(np.eye(3, dtype=np.float32)), random(2, 3)
    before = run(model, x)
    assert merge_equal_constants(model)
    assert sorted(tensor.name for tensor in model.graph.initializer) == ["one", "v", "w"]
    assert [node.input[1] for node in model.graph.node] == ["one", "v", "one", "w"]
    np.testing.assert_array_equal(run(model, x), before)
    assert not merge_equal_constants(model)


def test_what_differs_in_a_value_a_type_or_a_shape_stays() -> None:
    nearly = np.eye(3, dtype=np.float32)
    nearly[2, 0] = 1e-30
    others = {"bits": np.eye(3, dtype=np.int32), "row": np.eye(3, dtype=np.float32)[None]}
    model = _model(nearly, others)
    assert not merge_equal_constants(model)
    assert len(model.graph.initializer) == 6
