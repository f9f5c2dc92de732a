"""``batch[0]`` without a copy."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.squeeze_single_items import squeeze_single_items  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def _model(shape, item):
    nodes = [
        helper.make_node("Gather", ["x", "item"], ["a"], axis=0),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    return make_model(nodes, {"item": np.array(item)}, shape)


def test_the_only_item() -> None:
    model, x = _model((1, 3, 4), 0), random(1, 3, 4)
    before = run(model, x)
    assert squeeze_single_items(model)
    assert kinds(model) == {"Squeeze": 1, "Relu": 1}
    np.testing.assert_array_equal(run(model, x), before)
    assert not squeeze_single_items(model)


@pytest.mark.parametrize(("shape", "item"), [((2, 3), 0), ((1, 3), [0])])
def test_one_of_several_and_lists_stay(shape, item) -> None:
    assert not squeeze_single_items(_model(shape, item))
