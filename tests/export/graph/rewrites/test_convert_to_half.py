"""Half precision on minimal graphs: where casts go, what stays."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from export.graph.rewrites.convert_to_half import convert_to_half  # noqa: E402

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def _model():
    """X @ w -> softmax -> transpose -> @ v -> y"""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
        helper.make_node("Softmax", ["a"], ["b"], name="soft", axis=-1),
        helper.make_node("Transpose", ["b"], ["c"], name="turn", perm=[1, 0]),
        helper.make_node("MatMul", ["c", "v"], ["y"], name="second"),
    ]
    generator = np.random.default_rng(0)
    weights = {
        "w": generator.normal(size=(3, 4)).astype(np.float32),
        "v": generator.normal(size=(2, 5)).astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, (2, 3))],
        [helper.make_tensor_value_info("y", FLOAT, (4, 5))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def _stages(second: str = "encoder"):
    return {"first": "encoder", "soft": "encoder", "turn": "encoder", "second": second}


def _types(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    return {value.name: value.type.tensor_type.elem_type for value in values}


def _run(model, x):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, {"x": x})[0]


def test_softmax_is_an_island_and_outputs_keep_their_type() -> None:
    model, stages = _model(), _stages()
    x = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    before = _run(model, x)
    assert convert_to_half(model, stages, ())
    onnx.checker.check_model(model, full_check=True)
    types = _types(model)
    assert types["x"] == types["y"] == FLOAT
    assert types["a"] == HALF
    assert types["b"] == FLOAT
    assert {tensor.data_type for tensor in model.graph.initializer} == {HALF}
    # x to half, a to float, the softmax (still float after the move) to half, y back to float.
    assert [node.op_type for node in model.graph.node].count("Cast") == 4
    assert set(stages) == {node.name for node in model.graph.node}
    np.testing.assert_allclose(_run(model, x), before, atol=5e-3)


def test_a_stage_can_be_kept() -> None:
    model, stages = _model(), _stages(second="units")
    assert convert_to_half(model, stages, ("units",))
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"v": FLOAT, "w_as_half": HALF}
    assert [node.op_type for node in model.graph.node].count("Cast") == 2


def test_a_single_node_can_be_kept() -> None:
    """Its product stays in fp32 with its weight, whatever the rest of the stage does."""
    model, stages = _model(), _stages()
    assert convert_to_half(model, stages, (), ("first",)) == {"second"}
    types = _types(model)
    assert types["a"] == FLOAT
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"w": FLOAT, "v_as_half": HALF}


def test_nothing_to_do_when_all_is_kept() -> None:
    model = _model()
    before = model.SerializeToString()
    assert not convert_to_half(model, _stages(), ("encoder",))
    assert model.SerializeToString() == before


def test_one_cast_serves_all_readers() -> None:
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["a"], name="one"),
        helper.make_node("Tanh", ["x"], ["b"], name="two"),
        helper.make_node("Add", ["a", "b"], ["y"], name="three"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, (2, 3))],
        [helper.make_tensor_value_info("y", FLOAT, (2, 3))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    assert convert_to_half(model, dict.fromkeys(("one", "two", "three"), "encoder"), ())
    assert [node.op_type for node in model.graph.node].count("Cast") == 2


def test_weights_beyond_half_are_clipped() -> None:
    model = _model()
    huge = np.full((3, 4), 1e6, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(huge, "w"))
    convert_to_half(model, _stages(), ())
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}["w_as_half"]
    assert np.isfinite(stored).all()
