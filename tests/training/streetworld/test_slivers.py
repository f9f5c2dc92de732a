"""Slivers of shapes: four pixels at the frame's edge, which OpenCV takes for a scalar."""

from __future__ import annotations

import pytest

from training.data.streetworld import generate_pair


@pytest.mark.parametrize("seed", [75669, 75698, 75716, 75764])
def test_a_sliver_of_four_pixels_is_drawn(seed):
    image, captions = generate_pair(seed)
    assert image.shape == (96, 128, 3)
    assert captions
