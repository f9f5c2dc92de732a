"""Labels over a picture, and the legend beside them."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.draw.overlay import draw_labels, draw_legend
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


def test_the_legend_names_what_is_there_largest_first() -> None:
    drawn = np.full((360, 640, 3), 128, np.uint8)
    draw_legend(drawn, ("sky", "Straße 東京", "car"), {"sky": 0.0, "Straße 東京": 0.4, "car": 0.6})
    changed = (drawn != 128).any(axis=2)
    assert changed[:20, :60].any() and not changed[40:].any()  # two lines
    rows = [np.flatnonzero((drawn == palette()[label]).all(axis=2).any(axis=1)) for label in (2, 1)]
    assert 0 < rows[0].min() < rows[0].max() < rows[1].min()
    assert not (drawn == palette()[0]).all(axis=2).any()


@pytest.mark.parametrize(("size_wh", "areas"), [((40, 30), {"a": 1.0}), ((640, 360), {"a": 0.0})])
def test_where_nothing_can_be_read_nothing_is_drawn(size_wh, areas) -> None:
    drawn = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    draw_legend(drawn, ("a",), areas)
    assert (drawn == 128).all()


def test_a_legend_is_cut_to_the_frames_height() -> None:
    drawn = np.full((100, 640, 3), 128, np.uint8)
    names = [f"class {index}" for index in range(200)]
    draw_legend(drawn, names, dict.fromkeys(names, 0.005))
    shown = [(drawn == palette()[label]).all(axis=2).any() for label in range(200)]
    assert 2 < sum(shown) < 10 and shown == sorted(shown, reverse=True)
