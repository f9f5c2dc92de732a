"""The boundary F-score against values worked by hand on small literal maps."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scoring.boundary import boundary_f_score


def _halves(column: int) -> np.ndarray:
    labels = np.zeros((20, 40), np.uint8)
    labels[:, column:] = 1
    return labels


def test_boundary_score_of_equal_and_of_flat_maps():
    assert boundary_f_score(_halves(20), _halves(20)) == 1.0
    flat = np.zeros((20, 40), np.uint8)
    assert boundary_f_score(flat, flat) == 1.0
    assert boundary_f_score(_halves(20), flat) == 0.0


def test_boundary_within_and_beyond_tolerance():
    # the diagonal is 44.7: 0.05 of it is 2 pixels
    assert boundary_f_score(_halves(20), _halves(22), tolerance=0.05) == 1.0
    assert boundary_f_score(_halves(20), _halves(23), tolerance=0.05) == 0.0


def test_boundary_precision_and_recall_by_hand():
    predicted = _halves(20)
    predicted[:, 30:] = 2  # a second edge that the truth lacks: precision 1/2, recall 1
    assert boundary_f_score(_halves(20), predicted, tolerance=0.02) == pytest.approx(2 / 3)


def test_boundary_next_to_unknown_truth_does_not_count():
    truth = _halves(20)
    truth[:, 18:22] = 255
    assert boundary_f_score(truth, np.zeros((20, 40), np.uint8)) == 1.0
