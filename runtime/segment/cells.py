"""Cells between the points of the scores' grid, and which pixels lie in each of them.

A *cell* lies between four grid points, its corners; at the edge of the image two or all four of
them are one point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Axis", "axis", "cell_corners", "corners_of"]


@dataclass(frozen=True, eq=False)
class Axis:
    """Pixels along one side, by the cell in which they lie; of a band of the grid or all of it.

    Cell c lies between the band's lines c - 1 and c. Arrays are read-only.

    Attributes:
        counts: (cells,) pixels of each cell.
        pixels: (most, cells) their places, the last one repeated where there are fewer.
        weights: (most, cells) float32, the weight of the cell's far line for each of them.
        near: (cells,) the line before the cell, the first or last where there is none.
        far: (cells,) the line behind it.
        cell_of_pixel: (pixels,) the cell of each pixel from ``first_pixel`` on.
        first_pixel: place of the first pixel.
    """

    counts: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray
    near: np.ndarray
    far: np.ndarray
    cell_of_pixel: np.ndarray
    first_pixel: int = 0

    def band(self, first: int, last: int) -> Axis:
        """Only the lines ``first`` to ``last``, the cells between them and those at the edge."""
        import numpy as np

        lines = len(self.counts) - 1
        if (first, last) == (0, lines):
            return self
        counts = self.counts[first : last + 1].copy()
        if first > 0:
            counts[0] = 0
        if last < lines:
            counts[-1] = 0
        start = int(self.counts[: first + (first > 0)].sum())
        near, far = _lines_beside(last - first)
        return Axis(
            counts,
            self.pixels[:, first : last + 1],
            self.weights[:, first : last + 1],
            near,
            far,
            np.repeat(np.arange(len(counts)), counts),
            start,
        )


@lru_cache(maxsize=64)
def axis(size: int, grid: int) -> Axis:
    """The cells of ``size`` pixels over ``grid`` lines, with half-pixel centers."""
    import numpy as np

    centers = (np.arange(size) + 0.5) * (grid / size) - 0.5
    cells = np.clip(np.floor(centers).astype(np.int64) + 1, 0, grid)
    weights = (centers - (cells - 1)).astype(np.float32)
    weights[(cells == 0) | (cells == grid)] = 0.0  # both lines are one
    counts = np.bincount(cells, minlength=grid + 1)
    ends = np.cumsum(counts)
    steps = np.arange(counts.max())[:, None]
    pixels = np.maximum(np.minimum(ends - counts + steps, ends - 1), 0)
    parts = (counts, pixels, weights[pixels], *_lines_beside(grid), cells)
    for part in parts:
        part.setflags(write=False)
    return Axis(*parts)


def _lines_beside(lines: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    cells = np.arange(lines + 1)
    return np.maximum(cells - 1, 0), np.minimum(cells, lines - 1)


def corners_of(down: Axis, across: Axis, values: np.ndarray) -> list[np.ndarray]:
    """Values (h', w') at each cell's upper left, upper right, lower left and lower right corner."""
    return [
        values.take(lines, axis=0).take(columns, axis=1)
        for lines in (down.near, down.far)
        for columns in (across.near, across.far)
    ]


def cell_corners(axes: tuple[Axis, Axis], upper: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Flat places (4, n) of the grid points of n cells, by their lines and columns."""
    import numpy as np

    down, across = axes
    width = len(across.counts) - 1
    return np.stack(
        [
            lines[upper] * width + columns[left]
            for lines in (down.near, down.far)
            for columns in (across.near, across.far)
        ]
    )
