"""Weights that nobody reads go, the others stay."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from export.graph.rewrites.drop_unused_weights import drop_unused_weights
from tests.export.small_graphs import make_model, random, run


def test_only_what_is_read_stays() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model, x = (
        make_model(nodes, {"w": random(3, 4), "left over": random(2, 2)}, (2, 3)),
        random(2, 3),
    )
    before = run(model, x)
    assert drop_unused_weights(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["w"]
    np.testing.assert_array_equal(run(model, x), before)
    assert not drop_unused_weights(model)


def test_a_weight_that_is_an_output_is_used() -> None:
    model = make_model([helper.make_node("Relu", ["x"], ["y"])], {"w": random(3, 4)}, (2, 3))
    weight = helper.make_tensor_value_info("w", TensorProto.FLOAT, (3, 4))
    model.graph.output.append(weight)
    assert not drop_unused_weights(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["w"]
