"""GELU in the order that ONNX Runtime fuses."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from export.graph.rewrites.halve_gelu_last import halve_gelu_last  # noqa: E402


def _model(nodes, outputs=("y",)):
    constants = {"root": 2.0**0.5, "one": 1.0, "half": 0.5, "third": 1 / 3}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 64))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 64)) for name in outputs],
        [numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _gelu(factor="half", swapped=False):
    order = slice(None, None, -1 if swapped else 1)
    return [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("Add", ["b", "one"][order], ["c"]),
        helper.make_node("Mul", [factor, "c"][order], ["d"]),
        helper.make_node("Mul", ["x", "d"][order], ["y"]),
    ]


def _run(model, optimized_path=None):
    options = onnxruntime.SessionOptions()
    if optimized_path is not None:
        options.optimized_model_filepath = str(optimized_path)
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    else:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(0).standard_normal((2, 64)).astype(np.float32)
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("swapped", [False, True])
def test_the_half_comes_last_and_onnx_runtime_fuses(swapped, tmp_path) -> None:
    model = _model(_gelu(swapped=swapped))
    before = _run(model)
    assert halve_gelu_last(model)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(_run(model), before)
    assert not halve_gelu_last(model)
    _run(model, tmp_path / "optimized.onnx")
    fused = onnx.load(tmp_path / "optimized.onnx").graph.node
    assert [node.op_type for node in fused] == ["Gelu"]


SQUARE = [
    helper.make_node("Mul", ["x", "half"], ["d"]),
    helper.make_node("Mul", ["x", "d"], ["y"]),
]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [(_gelu(factor="third"), ("y",)), (_gelu(), ("y", "d")), (SQUARE, ("y",))],
    ids=["another factor", "the halved sum is asked for", "no error function"],
)
def test_other_products_stay(nodes, outputs) -> None:
    model = _model(nodes, outputs)
    before = model.SerializeToString()
    assert not halve_gelu_last(model)
    assert model.SerializeToString() == before
