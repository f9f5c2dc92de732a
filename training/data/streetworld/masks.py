"""Draws masks of a display list, at the same geometry as the image, without smoothing.

Labels are for evaluation only: training reaches ``things_of`` on a coarse grid through the
captions ("is it visible at all?") and never ``labels_of``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.drawing import FILLS, LINES, OUTLINE, DisplayList
from training.data.streetworld.painter import _BITS, place
from training.data.streetworld.palette import CLASS_NAMES, IGNORE_LABEL


def things_of(scene: DisplayList, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The number of the thing seen at each pixel, uint8 (H, W); 0 where there is none."""
    width, height = size_wh
    numbers = np.zeros((height, width), np.uint8)
    placed = place(scene, size_wh)
    for shape in scene.shapes:
        if not shape.flags & OUTLINE:
            continue
        points = placed[shape.first : shape.first + shape.points]
        if shape.kind == LINES:
            assert isinstance(shape.extra, tuple)
            lines, start = [], 0
            for length in shape.extra[1:]:
                lines.append(points[start : start + int(length)])
                start += int(length)
            thickness = max(1, round(shape.extra[0] * height))
            cv2.polylines(numbers, lines, False, shape.thing, thickness, cv2.LINE_8, _BITS)
        elif shape.kind == FILLS:
            polygons = list(points.reshape(-1, int(shape.extra), 2))  # type: ignore[arg-type]
            cv2.fillPoly(numbers, polygons, shape.thing, cv2.LINE_8, _BITS)
        else:
            cv2.fillPoly(numbers, [points], shape.thing, cv2.LINE_8, _BITS)
    return numbers


def labels_of(scene: DisplayList, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The class index seen at each pixel, uint8 (H, W); 255 where nothing has a class.

    A label covers an object's outline: the gaps of a fence, the holes between twigs and the
    spokes of a wheel belong to the fence, the tree and the bicyclist.
    """
    table = np.full(256, IGNORE_LABEL, np.uint8)
    for number, thing in enumerate(scene.things):
        if thing.noun in CLASS_NAMES:
            table[number] = CLASS_NAMES.index(thing.noun)
    return table[things_of(scene, size_wh)]
