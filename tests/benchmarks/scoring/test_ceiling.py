"""The truth through a grid: literal rows, and a set of two frames."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.ceiling import measure_ceiling, push_through_grid


@pytest.mark.parametrize(
    ("truth", "grid_wh", "expected"),
    [
        # A grid as fine as the picture loses nothing.
        ([[0, 1, 2, 1]], (4, 1), [[0, 1, 2, 1]]),
        # Half of the first cell: its share falls off towards the second. Ties: the first class.
        ([[0, 1, 1, 1]], (2, 1), [[0, 1, 1, 1]]),
        # A quarter of a cell is lost.
        ([[1, 1, 1, 0, 1, 1, 1, 1]], (2, 1), [[1] * 8]),
        # What has no class is given one of its surroundings.
        ([[2, 2, 255, 2]], (1, 1), [[2, 2, 2, 2]]),
    ],
)
def test_labels_by_hand(truth, grid_wh, expected):
    assert push_through_grid(np.array(truth, np.uint8), 3, grid_wh).tolist() == expected


def test_ceiling_counts_the_truth_that_the_grid_loses():
    frame_bgr = np.zeros((1, 4, 3), np.uint8)
    truths = ([[0, 0, 1, 1]], [[0, 0, 0, 1]])
    frames = [
        EvaluationFrame(str(i), frame_bgr, np.array(t, np.uint8)) for i, t in enumerate(truths)
    ]
    dataset = EvaluationSet("by-hand", ("sky", "road"), 2, lambda: iter(frames), {})
    found = measure_ceiling(dataset, (2, 1), miou=0.5)
    # The second frame's last cell is half road, and goes to sky: 5 of 6 sky, 2 of 3 road.
    assert found["iou"] == pytest.approx({"sky": 5 / 6, "road": 2 / 3})
    assert found["miou"] == pytest.approx(0.75)
    assert found["reached"] == pytest.approx(0.5 / 0.75)
    assert found["grid_wh"] == [2, 1]
