"""Colors of the figures: a class looks like the thing it is, a unit unlike its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.draw.palette import palette

Color = tuple[int, int, int]  # BGR, 0..255

NO_CLASS: Color = (225, 225, 225)
_CLASS_RGB: dict[str, Color] = {
    "sky": (135, 196, 240),
    "road": (104, 92, 112),
    "pavement": (214, 160, 196),
    "grass": (128, 196, 72),
    "sand": (222, 192, 112),
    "water": (36, 112, 190),
    "building": (176, 98, 60),
    "tree": (28, 110, 48),
    "pole": (96, 60, 30),
    "sign": (255, 226, 20),
    "fence": (190, 140, 96),
    "car": (232, 40, 48),
    "bus": (250, 128, 16),
    "person": (118, 40, 170),
    "bicyclist": (236, 68, 200),
    "dog": (120, 235, 205),
    "boat": (18, 40, 120),
    "flower": (255, 150, 165),
    "sun": (255, 246, 150),
    "cloud": (244, 248, 255),
}


def class_colors(names: Sequence[str]) -> list[Color]:
    """A BGR color for each name; names that the table lacks take the palette's, none twice.

    >>> class_colors(["car", "zebra", "lion"])
    [(48, 40, 232), (0, 159, 230), (233, 180, 86)]
    """
    spare = (tuple(int(part) for part in row) for row in palette(255))
    return [
        (_CLASS_RGB[name][2], _CLASS_RGB[name][1], _CLASS_RGB[name][0])
        if name in _CLASS_RGB
        else next(spare)  # type: ignore[misc]
        for name in names
    ]


def paint_labels(labels_hw: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Label map uint8 (h, w) -> BGR uint8 (h, w, 3); labels without a color are light grey."""
    table = np.full((256, 3), NO_CLASS, np.uint8)
    table[: len(colors)] = np.asarray(colors, np.uint8).reshape(-1, 3)
    return table[labels_hw]


def paint_units(units_hw: np.ndarray) -> np.ndarray:
    """Unit of each pixel (h, w) -> BGR uint8 (h, w, 3): a color each, the largest units first.

    Which slots the units sit in does not matter: the same partition gets the same colors.
    """
    slots, inverse, sizes = np.unique(units_hw, return_inverse=True, return_counts=True)
    first_at = np.array([np.argmax(units_hw == slot) for slot in slots])
    rank = np.empty(len(slots), np.int64)
    rank[np.lexsort((first_at, -sizes))] = np.arange(len(slots))
    return palette(len(slots))[rank[inverse.reshape(units_hw.shape)]]


def unit_edges(units_hw: np.ndarray) -> np.ndarray:
    """Bool (h, w): pixels whose right or lower neighbour belongs to another unit."""
    edges = np.zeros(units_hw.shape, bool)
    edges[:, :-1] |= units_hw[:, :-1] != units_hw[:, 1:]
    edges[:-1] |= units_hw[:-1] != units_hw[1:]
    return edges
