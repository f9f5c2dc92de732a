"""Colors of classes and units, on maps small enough to be told by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.figures.colors import (
    NO_CLASS,
    class_colors,
    paint_labels,
    paint_units,
    palette_rgb,
    unit_edges,
)
from training.data.streetworld import CLASS_NAMES


def test_units_are_colored_by_size_whatever_their_slots():
    units_hw = np.array([[7, 7, 7], [7, 40, 2]], np.uint8)
    first, second, third = palette_rgb(3)
    expected = [[first, first, first], [first, second, third]]
    assert paint_units(units_hw).tolist() == np.array(expected).tolist()
    renamed = np.array([[0, 0, 0], [0, 63, 9]], np.uint8)
    assert (paint_units(renamed) == paint_units(units_hw)).all()


def test_edges_lie_where_units_change():
    units_hw = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]], np.uint8)
    assert unit_edges(units_hw).tolist() == [
        [False, True, False],
        [True, True, True],
        [False, False, False],
    ]


def test_every_class_of_the_world_has_a_color_of_its_own():
    colors = class_colors(CLASS_NAMES)
    assert len(set(colors)) == len(CLASS_NAMES)
    table = np.array(colors, np.int64)
    apart = np.abs(table[:, None] - table[None]).sum(-1) + 1000 * np.eye(len(table), dtype=int)
    assert apart.min() >= 60
    assert NO_CLASS not in colors


def test_labels_are_painted_and_what_has_no_class_is_grey():
    labels_hw = np.array([[0, 1, 255]], np.uint8)
    painted = paint_labels(labels_hw, [(1, 2, 3), (4, 5, 6)])
    assert painted.tolist() == [[[1, 2, 3], [4, 5, 6], list(NO_CLASS)]]
