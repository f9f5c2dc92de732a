"""Transposes that follow one another become one, or none."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.merge_transposes import merge_transposes  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random, run  # noqa: E402


def test_pair_becomes_one() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 1, 3]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 2]),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    model = make_model(nodes, {}, (1, 5, 2, 3))
    x = random(1, 5, 2, 3)
    before = run(model, x)
    assert merge_transposes(model)
    assert kinds(model) == {"Transpose": 1, "Relu": 1}
    np.testing.assert_array_equal(run(model, x), before)
    assert not merge_transposes(model)


def test_pair_that_undoes_itself_goes() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[1, 0]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[1, 0]),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    model = make_model(nodes, {}, (2, 3))
    assert merge_transposes(model)
    assert kinds(model) == {"Relu": 1}


def test_first_of_a_pair_stays_for_its_other_reader() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[1, 0]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[1, 0]),
        helper.make_node("MatMul", ["b", "a"], ["y"]),
    ]
    model = make_model(nodes, {}, (2, 3))
    x = random(2, 3)
    before = run(model, x)
    assert merge_transposes(model)
    assert kinds(model) == {"Transpose": 1, "MatMul": 1}
    np.testing.assert_array_equal(run(model, x), before)


def test_swap_through_a_flattened_tensor() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Reshape", ["a", "flat"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["c", "back"], ["y"]),
    ]
    weights = {"flat": np.array([-1, 4, 5]), "back": np.array([2, 3, 5, 4])}
    model = make_model(nodes, weights, (2, 3, 4, 5), (2, 3, 5, 4))
    x = random(2, 3, 4, 5)
    before = run(model, x)
    assert merge_transposes(model)
    assert kinds(model) == {"Relu": 1, "Transpose": 1}
    assert not model.graph.initializer
    np.testing.assert_array_equal(run(model, x), before)


def test_other_reshapes_are_left_alone() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["c", "back"], ["y"]),
    ]
    weights = {"flat": np.array([6, 2, 10]), "back": np.array([2, 3, 5, 4])}
    model = make_model(nodes, weights, (2, 3, 4, 5), (2, 3, 5, 4))
    assert not merge_transposes(model)
