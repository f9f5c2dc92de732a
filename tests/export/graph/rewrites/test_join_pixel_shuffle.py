"""A pixel shuffle behind a 1x1 convolution becomes a transposed convolution."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from export.graph.rewrites.join_pixel_shuffle import join_pixel_shuffle  # noqa: E402


def _model(*, mode="CRD", kernel=1, outputs=("y",), **conv):
    generator = np.random.default_rng(1)
    shapes = {"weight": (12, 5, kernel, kernel), "bias": (12,)}
    weights = [
        numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "weight", "bias"], ["wide"], name="spread", **conv),
        helper.make_node("DepthToSpace", ["wide"], ["y"], name="shuffle", blocksize=2, mode=mode),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 5, 4, 6))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in outputs],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_the_pair_becomes_one_with_the_same_result() -> None:
    model = _model()
    x = np.random.default_rng(2).standard_normal((1, 5, 4, 6)).astype(np.float32)
    before = ReferenceEvaluator(model).run(None, {"x": x})[0]
    assert join_pixel_shuffle(model)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Pad", "ConvTranspose"]
    found = ReferenceEvaluator(model).run(None, {"x": x})[0]
    assert found.shape == (1, 3, 8, 12)
    np.testing.assert_allclose(found, before, atol=1e-5)
    assert not join_pixel_shuffle(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "DCR"},
        {"kernel": 3, "pads": [1, 1, 1, 1]},
        {"strides": [2, 2]},
        {"outputs": ("y", "wide")},
    ],
    ids=["another order of channels", "a wider kernel", "a stride", "another reader"],
)
def test_other_pairs_stay(changes) -> None:
    model = _model(**changes)
    before = model.SerializeToString()
    assert not join_pixel_shuffle(model)
    assert model.SerializeToString() == before
