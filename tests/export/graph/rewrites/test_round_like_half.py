"""Rounding as half precision does, on small graphs, against numpy and ONNX's own evaluator."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.convert_to_half import convert_to_half  # noqa: E402
from export.graph.rewrites.round_like_half import round_like_half  # noqa: E402
from tests.export.small_graphs import make_model, random, run  # noqa: E402


def _run_on_cpu(model, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def _two_products(scale: float = 1.0):
    """Y = (x @ w * s) @ v: the middle is as large as ``scale`` makes it, ``v`` makes it small."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
        helper.make_node("Transpose", ["a"], ["b"], name="turn", perm=[1, 0]),
        helper.make_node("Transpose", ["b"], ["c"], name="back", perm=[1, 0]),
        helper.make_node("MatMul", ["c", "v"], ["y"], name="second"),
    ]
    weights = {"w": random(8, 6) * np.float32(scale), "v": random(6, 5) / np.float32(scale)}
    model = make_model(nodes, weights, (4, 8))
    convert_to_half(model, {node.name: "encoder" for node in model.graph.node}, ())
    return model, weights


def test_every_product_is_rounded() -> None:
    """Worked with numpy: inputs and weights to half, sums in fp32, each result to half."""
    model, weights = _two_products()
    x = random(4, 8)
    half = model.SerializeToString()
    assert round_like_half(model)
    onnx.checker.check_model(model, full_check=True)
    as_half = [value.astype(np.float16).astype(np.float32) for value in (x, *weights.values())]
    middle = (as_half[0] @ as_half[1]).astype(np.float16).astype(np.float32)
    expected = (middle @ as_half[2]).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(_run_on_cpu(model, x), expected)
    by_onnx = run(onnx.load_model_from_string(half), x)[0]
    np.testing.assert_allclose(by_onnx, expected, rtol=2e-3, atol=2e-3)


def test_what_overflows_in_half_overflows_here() -> None:
    """ONNX Runtime's CPU provider gives finite values for the half graph itself (1.31.1)."""
    model, _ = _two_products(scale=3e4)
    x = random(4, 8)
    with np.errstate(over="ignore", invalid="ignore"):
        by_onnx = run(model, x)[0]
    assert not np.isfinite(by_onnx).all()
    round_like_half(model)
    found = _run_on_cpu(model, x)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(by_onnx))


def test_fp32_graphs_are_left_alone() -> None:
    model = make_model([helper.make_node("Sigmoid", ["x"], ["y"], name="one")], {}, (2, 3))
    before = model.SerializeToString()
    assert not round_like_half(model)
    assert model.SerializeToString() == before
