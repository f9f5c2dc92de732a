"""A uint8 frame is cast before it is moved."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from export.graph.rewrites.cast_first import cast_first  # noqa: E402


def _model(nodes):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, (1, 2, 3, 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 2, 3))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_cast_and_transpose_change_places() -> None:
    model = _model(
        [
            helper.make_node("Transpose", ["frame"], ["a"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT),
            helper.make_node("Neg", ["b"], ["y"]),
        ]
    )
    frame = np.arange(18, dtype=np.uint8).reshape(1, 2, 3, 3)
    before = ReferenceEvaluator(model).run(None, {"frame": frame})
    assert cast_first(model)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Cast", "Transpose", "Neg"]
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(None, {"frame": frame}), before)
    assert not cast_first(model)


@pytest.mark.parametrize(
    "nodes",
    [
        # Nothing is cast after the move.
        [
            helper.make_node("Cast", ["frame"], ["a"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["a"], ["y"], perm=[0, 3, 1, 2]),
        ],
        # What was moved has another reader, who wants bytes.
        [
            helper.make_node("Transpose", ["frame"], ["a"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT),
            helper.make_node("Equal", ["a", "a"], ["c"]),
            helper.make_node("Where", ["c", "b", "b"], ["y"]),
        ],
    ],
    ids=["cast already", "another reader"],
)
def test_what_must_stay_stays(nodes) -> None:
    model = _model(nodes)
    before = model.SerializeToString()
    assert not cast_first(model)
    assert model.SerializeToString() == before
