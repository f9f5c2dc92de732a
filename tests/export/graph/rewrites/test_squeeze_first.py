"""The only item of a batch, taken before its axes change places."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.merge_transposes import merge_transposes  # noqa: E402
from export.graph.rewrites.squeeze_first import squeeze_first  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def _model(order, axis, shape, back=None):
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=order),
        helper.make_node("Squeeze", ["a", "axes"], ["b"]),
        helper.make_node("Relu", ["b"], ["c" if back else "y"]),
    ]
    if back:
        nodes[2] = helper.make_node("Transpose", ["b"], ["c"], perm=back)
        nodes.append(helper.make_node("Relu", ["c"], ["y"]))
    return make_model(nodes, {"axes": np.array([axis])}, shape)


def test_two_transposes_that_undo_each_other_meet() -> None:
    model, x = _model([0, 3, 1, 2], 0, (1, 3, 4, 5), back=[1, 2, 0]), random(1, 3, 4, 5)
    before = run(model, x)
    assert squeeze_first(model)
    assert not squeeze_first(model)
    np.testing.assert_array_equal(run(model, x), before)
    assert merge_transposes(model)
    assert kinds(model) == {"Squeeze": 1, "Relu": 1}
    np.testing.assert_array_equal(run(model, x), before)


@pytest.mark.parametrize(
    ("order", "axis", "shape"),
    [([1, 0, 2], 0, (3, 1, 4)), ([0, 2, 1], 1, (3, 4, 1))],
    ids=["the first axis moves", "another axis goes"],
)
def test_what_stays(order, axis, shape) -> None:
    assert not squeeze_first(_model(order, axis, shape))
