"""Frames of flat colors, whose labels by the hand-made bundle are known."""

from __future__ import annotations

import numpy as np

RED, GREEN, BLUE = (0, 0, 200), (0, 200, 0), (200, 0, 0)  # BGR


def picture(left: tuple[int, ...], right: tuple[int, ...], scale: int = 10) -> np.ndarray:
    """A BGR frame of 8 x 6 times a scale, split in the middle."""
    frame = np.empty((6 * scale, 8 * scale, 3), dtype=np.uint8)
    frame[:, : 4 * scale] = left
    frame[:, 4 * scale :] = right
    return frame
