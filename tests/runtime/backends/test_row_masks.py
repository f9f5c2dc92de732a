"""A row added before a softmax for all heads: OpenVINO 2026.4 in bfloat16 wants one a head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime.backends.abilities import computes_bfloat16
from runtime.backends.openvino import import_openvino
from runtime.backends.row_masks import repeat_row_masks

openvino = pytest.importorskip("openvino")

HEADS, ASKING, SEEN, WIDTH = 3, 40, 21, 16


def attention(mask: np.ndarray | None) -> Any:
    """softmax(q k + mask) v, q (1, 3, 40, 16), k and v (1, 3, 21, 16)."""
    ops = import_openvino().opset13
    q = ops.parameter([1, HEADS, ASKING, WIDTH], np.float32)
    k, v = (ops.parameter([1, HEADS, SEEN, WIDTH], np.float32) for _ in "kv")
    scores = ops.matmul(q, k, False, True)
    if mask is not None:
        scores = ops.add(ops.constant(mask), scores)
    mixed = ops.matmul(ops.softmax(scores, 3), v, False, False)
    return openvino.Model([mixed], [q, k, v])


def inputs() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = (ASKING, SEEN, SEEN)
    return [rng.standard_normal((1, HEADS, size, WIDTH)).astype(np.float32) for size in sizes]


def expected(mask: np.ndarray) -> np.ndarray:
    q, k, v = inputs()
    weights = np.exp(q @ k.transpose(0, 1, 3, 2) + mask)
    return weights / weights.sum(axis=-1, keepdims=True) @ v


def run(model: Any, precision: str) -> np.ndarray:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return compiled(inputs())[0]


@pytest.mark.parametrize("shape", [(1, 1, 1, SEEN), (1, SEEN), (SEEN,)])
def test_each_head_gets_its_row_and_the_result_stays(shape: tuple[int, ...]) -> None:
    mask = np.linspace(0, 3, SEEN, dtype=np.float32).reshape(shape)
    model = attention(mask)
    assert repeat_row_masks(openvino, model)
    (constant,) = [op for op in model.get_ordered_ops() if op.get_type_name() == "Constant"]
    assert list(constant.get_output_shape(0)) == [1, HEADS, 1, SEEN]
    np.testing.assert_allclose(run(model, "f32"), expected(mask), atol=1e-5)
    if computes_bfloat16():
        np.testing.assert_allclose(run(model, "bf16"), expected(mask), atol=0.05)
    assert not repeat_row_masks(openvino, model)


@pytest.mark.parametrize("shape", [None, (1, 1, ASKING, SEEN), (1, HEADS, 1, SEEN), (1,)])
def test_others_stay_as_they_are(shape: tuple[int, ...] | None) -> None:
    mask = None if shape is None else np.ones(shape, np.float32)
    assert not repeat_row_masks(openvino, attention(mask))
