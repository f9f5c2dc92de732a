"""The share of right pixels, and the grid's columns."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks.figures.grid import right_share


def test_share_of_right_pixels_leaves_out_what_has_no_truth():
    truth_hw = np.array([[0, 1, 2, 255]], np.uint8)
    labels_hw = np.array([[0, 1, 1, 1]], np.uint8)
    assert right_share(truth_hw, labels_hw, 3) == pytest.approx(2 / 3)
    assert right_share(truth_hw, labels_hw, 2) == 1.0  # class 2 is unlabelled there (CamVid's 11)
    assert right_share(np.full((1, 2), 255, np.uint8), labels_hw[:, :2], 3) == 0.0
