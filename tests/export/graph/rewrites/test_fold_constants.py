"""Folding on graphs small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from export.graph.rewrites.fold_constants import fold_constants  # noqa: E402


def _model(nodes, weights, shape=(2, 3)):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def _run(model, x):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, {"x": x})[0]


def test_what_depends_on_weights_alone_is_computed() -> None:
    weights = {"a": np.ones(3, np.float32), "b": np.full(3, 2, np.float32)}
    model = _model(
        [helper.make_node("Add", ["a", "b"], ["c"]), helper.make_node("Mul", ["x", "c"], ["y"])],
        weights,
    )
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    before = _run(model, x)
    assert fold_constants(model)
    assert [node.op_type for node in model.graph.node] == ["Mul"]
    assert [tensor.name for tensor in model.graph.initializer] == ["c"]
    np.testing.assert_array_equal(_run(model, x), before)
    assert not fold_constants(model)


def test_a_small_constant_is_not_blown_up() -> None:
    weights = {"a": np.ones(1, np.float32), "shape": np.array([1000, 1000])}
    model = _model(
        [
            helper.make_node("Expand", ["a", "shape"], ["big"]),
            helper.make_node("Add", ["x", "big"], ["y"]),
        ],
        weights,
        shape=(1000, 1000),
    )
    assert not fold_constants(model)
    assert len(model.graph.node) == 2


def test_a_truth_table_becomes_numbers() -> None:
    """The identity matrix of the units is made of truth values, four times smaller."""
    weights = {"a": np.eye(600, dtype=bool)}
    model = _model(
        [
            helper.make_node("Cast", ["a"], ["numbers"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Add", ["x", "numbers"], ["y"]),
        ],
        weights,
        shape=(600, 600),
    )
    assert fold_constants(model)
    assert [node.op_type for node in model.graph.node] == ["Add"]


def test_nothing_to_fold() -> None:
    model = _model([helper.make_node("Relu", ["x"], ["y"])], {})
    assert not fold_constants(model)
