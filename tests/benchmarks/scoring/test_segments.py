"""Shares of leaking pixels, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scoring.segments import over_segmentation, under_segmentation

TRUTH = np.array([[0, 0, 0, 1, 255]])


@pytest.mark.parametrize(
    ("units", "under", "over"),
    [
        ([[5, 5, 5, 6, 6]], 0.0, 0.0),
        ([[5, 5, 5, 5, 5]], 0.5, 0.0),  # 1 of 4 from either side of the one unit
        ([[5, 6, 6, 7, 7]], 0.0, 0.5),  # the segment of 3 is cut into 1 and 2
        ([[5, 5, 6, 6, 6]], 0.5, 0.5),
    ],
)
def test_leaking_by_hand(units: list[list[int]], under: float, over: float) -> None:
    units_hw = np.array(units)
    assert under_segmentation(TRUTH, units_hw) == pytest.approx(under)
    assert over_segmentation(TRUTH, units_hw) == pytest.approx(over)
