"""FLOPs, nodes and bytes of graphs counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from export.graph.cost import StageCost, measure_cost  # noqa: E402

FLOAT = TensorProto.FLOAT


def test_products_and_convolutions() -> None:
    weights = {
        "w": np.zeros((8, 3, 3, 3), np.float32),
        "d": np.zeros((8, 1, 5, 5), np.float32),
        "shape": np.array([16, 8]),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], name="conv", pads=[1] * 4),
        helper.make_node("Conv", ["a", "d"], ["b"], name="depthwise", group=8, pads=[2] * 4),
        helper.make_node("Reshape", ["b", "shape"], ["c"], name="flat"),
        helper.make_node("MatMul", ["c", "text"], ["y"], name="score"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("image", FLOAT, (1, 3, 4, 4)),
            helper.make_tensor_value_info("text", FLOAT, (8, "K")),
        ],
        [helper.make_tensor_value_info("y", FLOAT, (16, "K"))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    stages = {"conv": "encoder", "depthwise": "decoder", "flat": "decoder", "score": "scores"}
    costs = measure_cost(model, stages, {"K": 20})
    assert costs == {
        "encoder": StageCost(1, 8 * 27 * 4, 2 * 16 * 8 * 27),
        "decoder": StageCost(2, 8 * 25 * 4 + 16, 2 * 16 * 8 * 25),
        "scores": StageCost(1, 0, 2 * 16 * 20 * 8),
    }
