"""Labels over a picture."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.draw.legend import draw_legend
from runtime.draw.overlay import draw_labels
from runtime.draw.palette import palette


def test_labels_are_blended_and_255_is_not_touched() -> None:
    frame_bgr = np.full((4, 6, 3), 100, np.uint8)
    labels = np.full((4, 6), 255, np.uint8)
    labels[:2], labels[2, 0] = 0, 254
    drawn = draw_labels(frame_bgr, labels, opacity=0.25)
    assert (frame_bgr == 100).all() and (drawn[labels == 255] == 100).all()
    for label in (0, 254):
        expected = 75 + 0.25 * palette()[label].astype(float)
        assert np.abs(drawn[labels == label] - expected).max() <= 1


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 1), (1, 2), (1, 300), (300, 1), (3, 3)])
def test_tiny_frames_are_drawn(size_wh: tuple[int, int]) -> None:
    """OpenCV 5.0 compares an array of 1 x 1 as if it were a scalar."""
    frame_bgr = np.full((size_wh[1], size_wh[0], 3), 100, np.uint8)
    drawn = draw_labels(frame_bgr, np.zeros(frame_bgr.shape[:2], np.uint8), opacity=1.0)
    assert (drawn == palette()[0]).all()
    assert (draw_labels(frame_bgr, np.full(frame_bgr.shape[:2], 255, np.uint8)) == 100).all()
    draw_legend(drawn, ("a",), {"a": 1.0})
