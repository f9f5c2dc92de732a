"""Windows that slide over a picture, and scores put together out of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.protocols.protocol import Protocol


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
            yield slice(top, top + protocol.crop), slice(left, left + protocol.crop)


def slide(
    picture_bgr: np.ndarray,
    protocol: Protocol,
    score: Callable[[np.ndarray], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Scores of a picture, the mean of its windows' where these overlap.

    Args:
        picture_bgr: uint8 (h, w, 3), at the protocol's size.
        protocol: size and stride of the windows.
        score: of a window uint8 (h', w', 3): by kind of unit float32 (k, rows, columns) on a grid.

    Returns:
        By kind float32 (k, h, w).
    """
    height, width = picture_bgr.shape[:2]
    sums: dict[str, np.ndarray] = {}
    counts_hw = np.zeros((height, width), np.float32)
    for place in windows((width, height), protocol):
        window = np.ascontiguousarray(picture_bgr[place])
        size_wh = (window.shape[1], window.shape[0])
        counts_hw[place] += 1
        for kind, grid_khw in score(window).items():
            whole = sums.setdefault(kind, np.zeros((len(grid_khw), height, width), np.float32))
            for row, grid_hw in zip(whole, grid_khw, strict=True):
                row[place] += enlarged(grid_hw, size_wh)
    for whole in sums.values():
        whole /= counts_hw  # in place: they are large
    return sums


def enlarged(grid_hw: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """A row of scores at another size, bilinear, half-pixel centers: float32."""
    grid_hw = np.ascontiguousarray(grid_hw, np.float32)
    return cv2.resize(grid_hw, size_wh, interpolation=cv2.INTER_LINEAR)
