"""What shows of a shape in one corner pixel, which OpenCV would take for a number."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import Shape
from training.data.streetworld.painter import _BITS, _stipple


def test_one_pixel_of_a_stippled_shape_is_drawn():
    canvas = np.zeros((96, 128, 4), np.uint8)
    corner = np.array([[127, 95], [130, 95], [130, 98], [127, 98]], np.int32) << _BITS
    # All of it covered: texels, cover, two shifts, two anchors.
    shape = Shape(0, 0, 4, (10.0, 20.0, 30.0, 0.0), 1, 0, (64.0, 1.01, 0.0, 0.0, 0.0, 0.0))
    _stipple(canvas, shape, corner)
    assert canvas[95, 127].tolist() == [10, 20, 30, 0]
    canvas[95, 127] = 0
    assert not canvas.any()
