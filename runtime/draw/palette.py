"""Colors for labels: told apart by eye, the same for a label in every run."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# RGB of the first labels: far apart also for eyes that do not tell red from green.
_FIRST_RGB = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (148, 103, 189),
    (140, 86, 75),
    (127, 220, 120),
    (255, 152, 150),
    (23, 190, 207),
    (188, 189, 34),
    (99, 57, 160),
    (255, 220, 190),
    (30, 80, 60),
)

__all__ = ["palette"]


@lru_cache(maxsize=8)
def palette(count: int = 255) -> np.ndarray:
    """Colors uint8 (count, 3) in BGR, read-only; row = label. No two rows are equal.

    >>> palette(2).tolist()
    [[0, 159, 230], [233, 180, 86]]
    """
    import numpy as np

    colors = list(_FIRST_RGB)
    step = 0
    while len(colors) < count:
        # The golden ratio spreads hues evenly however many are drawn.
        hue, value = (step * 0.618034) % 1.0, (1.0, 0.75, 0.5)[step % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, (0.85, 0.5)[step // 3 % 2], value)
        color = (round(red * 255), round(green * 255), round(blue * 255))
        if color not in colors:
            colors.append(color)
        step += 1
    table = np.array(colors[:count], dtype=np.uint8).reshape(-1, 3)[:, ::-1].copy()
    table.setflags(write=False)
    return table
