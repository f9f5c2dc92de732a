"""Colors of the figures: a class looks like the thing it is, a unit unlike its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.draw.palette import palette

Color = tuple[int, int, int]  # RGB, 0..255

NO_CLASS: Color = (225, 225, 225)
_CLASS_COLORS: dict[str, Color] = {
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


def palette_rgb(count: int) -> np.ndarray:
    """:func:`runtime.draw.palette.palette` as RGB, uint8 (count, 3)."""
    return palette(count)[:, ::-1]


def class_colors(names: Sequence[str]) -> list[Color]:
    """A color for each name; names that the table lacks take the palette's, none twice.

    >>> class_colors(["car", "zebra", "lion"])
    [(232, 40, 48), (230, 159, 0), (135, 45, 75)]
    """
    spare = iter(palette_rgb(255).tolist())
    return [
        _CLASS_COLORS[name] if name in _CLASS_COLORS else tuple(next(spare))  # type: ignore[misc]
        for name in names
    ]


def paint_labels(labels_hw: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Paint a label map.

    Args:
        labels_hw: uint8 (h, w).
        colors: of each label.

    Returns:
        RGB uint8 (h, w, 3); labels without a color are light grey.
    """
    table = np.full((256, 3), NO_CLASS, np.uint8)
    table[: len(colors)] = np.asarray(colors, np.uint8).reshape(-1, 3)
    return table[labels_hw]


def paint_units(units_hw: np.ndarray) -> np.ndarray:
    """Paint units in a color each, the largest units first.

    Which slots the units sit in does not matter: the same partition gets the same colors.

    Args:
        units_hw: integers (h, w), the unit of each pixel.

    Returns:
        RGB uint8 (h, w, 3).
    """
    slots, inverse, sizes = np.unique(units_hw, return_inverse=True, return_counts=True)
    first_at = np.array([np.argmax(units_hw == slot) for slot in slots])
    rank = np.empty(len(slots), np.int64)
    rank[np.lexsort((first_at, -sizes))] = np.arange(len(slots))
    return palette_rgb(len(slots))[rank[inverse.reshape(units_hw.shape)]]


def unit_edges(units_hw: np.ndarray) -> np.ndarray:
    """Bool (h, w): pixels whose right or lower neighbour belongs to another unit."""
    edges = np.zeros(units_hw.shape, bool)
    edges[:, :-1] |= units_hw[:, :-1] != units_hw[:, 1:]
    edges[:-1] |= units_hw[:-1] != units_hw[1:]
    return edges


def as_shares(color: Color) -> tuple[float, float, float]:
    """A color as matplotlib takes it: shares in [0, 1]."""
    red, green, blue = (part / 255 for part in color)
    return red, green, blue
