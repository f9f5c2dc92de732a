"""Connected things of a class: each with its box, area and centroid.

A label map knows classes, not things: two people who overlap are one thing, and somebody behind a
pole may be two. What is told here is what the labels show; a
:class:`~runtime.objects.tracker.Tracker` knows what was there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Regions smaller than this share of the picture are specks of a border.
LEAST_AREA = 0.0005
#: The most things of a frame; the largest stay.
MOST_THINGS = 100

__all__ = ["LEAST_AREA", "MOST_THINGS", "Thing", "find_things", "join_things"]


@dataclass(frozen=True)
class Thing:
    """Pixels of one class that belong together.

    Attributes:
        class_name: what it is.
        box_xywh: left, top, width and height in pixels.
        area: share of the picture, in (0, 1].
        centroid_xy: mean of its pixels, in pixels; the first pixel's is (0, 0).
    """

    class_name: str
    box_xywh: tuple[int, int, int, int]
    area: float
    centroid_xy: tuple[float, float]


def find_things(
    labels_hw: np.ndarray, class_names: Sequence[str], least_area: float = LEAST_AREA
) -> list[Thing]:
    """The connected things of every class, the largest first.

    Args:
        labels_hw: uint8 (H, W), an index into ``class_names``, 255 for none.
        class_names: the classes in label order.
        least_area: share of the picture that a thing must have.

    Returns:
        At most :data:`MOST_THINGS`; pixels that touch at a corner belong together.
    """
    import numpy as np

    counts = np.bincount(labels_hw.reshape(-1), minlength=256)
    least_pixels = max(1.0, least_area * labels_hw.size)
    things = [
        thing
        for label, name in enumerate(class_names)
        if counts[label] >= least_pixels
        for thing in _split(labels_hw, label, name, least_pixels)
    ]
    things.sort(key=lambda one: -one.area)
    return things[:MOST_THINGS]


def join_things(things: Sequence[Thing]) -> Thing:
    """One thing out of the parts of one, at least one, all of a class."""
    if len(things) == 1:
        return things[0]
    left = min(one.box_xywh[0] for one in things)
    top = min(one.box_xywh[1] for one in things)
    right = max(one.box_xywh[0] + one.box_xywh[2] for one in things)
    bottom = max(one.box_xywh[1] + one.box_xywh[3] for one in things)
    area = sum(one.area for one in things)
    x = sum(one.area * one.centroid_xy[0] for one in things) / area
    y = sum(one.area * one.centroid_xy[1] for one in things) / area
    return Thing(things[0].class_name, (left, top, right - left, bottom - top), area, (x, y))


def _split(labels_hw: np.ndarray, label: int, name: str, least_pixels: float) -> Iterator[Thing]:
    """The things of one class, of which the labels must hold some."""
    import cv2
    import numpy as np

    mask = (labels_hw == label).view(np.uint8)
    x, y, width, height = cv2.boundingRect(mask)  # the rest of the picture need not be looked at
    inside = mask[y : y + height, x : x + width]
    _, _, stats, centers = cv2.connectedComponentsWithStats(inside, connectivity=8)
    for number in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= least_pixels) + 1:
        left, top, wide, high, pixels = stats[number].tolist()
        center = (float(centers[number, 0]) + x, float(centers[number, 1]) + y)
        yield Thing(name, (left + x, top + y, wide, high), pixels / labels_hw.size, center)
