"""Windows that slide over a picture, and scores put together out of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from benchmarks.protocols.protocol import Protocol
from benchmarks.scoring.pamr import refine_scores
from benchmarks.scoring.score import Kind


def resized(frame_bgr: np.ndarray, protocol: Protocol) -> np.ndarray:
    """The picture at the protocol's size, its aspect kept, bilinear: uint8 (h, w, 3)."""
    height, width = frame_bgr.shape[:2]
    scale = min(protocol.long_side / max(height, width), protocol.short_side / min(height, width))
    size_wh = (int(width * scale + 0.5), int(height * scale + 0.5))
    return cv2.resize(frame_bgr, size_wh, interpolation=cv2.INTER_LINEAR)


def starts(side: int, crop: int, stride: int) -> list[int]:
    """Where windows begin along a side; the last one is moved back inside.

    >>> starts(500, 224, 112), starts(224, 224, 112), starts(100, 224, 112)
    ([0, 112, 224, 276], [0], [0])
    """
    count = max(side - crop + stride - 1, 0) // stride + 1
    return [max(min(number * stride, side - crop), 0) for number in range(count)]


def windows(size_wh: tuple[int, int], protocol: Protocol) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each window; as much as there is where a side is shorter than it."""
    width, height = size_wh
    for top in starts(height, protocol.crop, protocol.stride):
        for left in starts(width, protocol.crop, protocol.stride):
            bottom, right = min(top + protocol.crop, height), min(left + protocol.crop, width)
            yield slice(top, bottom), slice(left, right)


@dataclass(frozen=True)
class WindowScores:
    """Scores of a picture by windows; as a sequence, a map of the whole picture for each row.

    A map is the mean of the windows that see a pixel. It is put together when it is asked for: the
    grids are small, and of 171 maps at full size only one is held.

    Attributes:
        size_wh: of the picture.
        places: rows and columns of each window.
        grids: for each window float32 (k, rows, columns).
    """

    size_wh: tuple[int, int]
    places: tuple[tuple[slice, slice], ...]
    grids: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.grids[0])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> np.ndarray:
        """The map of a row: float32 (h, w)."""
        whole_hw = np.zeros(self.size_wh[::-1], np.float32)
        for (rows, columns), grid_khw in zip(self.places, self.grids, strict=True):
            size_wh = (columns.stop - columns.start, rows.stop - rows.start)
            whole_hw[rows, columns] += enlarged(grid_khw[row], size_wh)
        whole_hw *= self._shares_hw
        return whole_hw

    @cached_property
    def _shares_hw(self) -> np.ndarray:
        """What a window counts where so many overlap: float32 (h, w)."""
        counts_hw = np.zeros(self.size_wh[::-1], np.float32)
        for place in self.places:
            counts_hw[place] += 1
        return 1 / counts_hw

    def refined(self, picture_bgr: np.ndarray, dilations: Sequence[int]) -> WindowScores:
        """The same with each window's scores refined by the picture's colors."""
        grids = [
            refine_scores(grid_khw, picture_bgr[place], dilations)
            for place, grid_khw in zip(self.places, self.grids, strict=True)
        ]
        return WindowScores(self.size_wh, self.places, tuple(grids))


def slide(
    picture_bgr: np.ndarray,
    protocol: Protocol,
    score: Callable[[np.ndarray], dict[Kind, np.ndarray]],
) -> dict[Kind, WindowScores]:
    """Scores of a picture by windows.

    Args:
        picture_bgr: uint8 (h, w, 3), at the protocol's size.
        protocol: size and stride of the windows.
        score: of a window uint8 (h', w', 3): by kind of unit float32 (k, rows, columns) on a grid.

    Returns:
        By kind.
    """
    size_wh = (picture_bgr.shape[1], picture_bgr.shape[0])
    places = tuple(windows(size_wh, protocol))
    grids = [score(np.ascontiguousarray(picture_bgr[place])) for place in places]
    return {
        kind: WindowScores(size_wh, places, tuple(grid[kind] for grid in grids))
        for kind in grids[0]
    }


def enlarged(grid_hw: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """A row of scores at another size, bilinear, half-pixel centers: float32."""
    grid_hw = np.ascontiguousarray(grid_hw, np.float32)
    return cv2.resize(grid_hw, size_wh, interpolation=cv2.INTER_LINEAR)
