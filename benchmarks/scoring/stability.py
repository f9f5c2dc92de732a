"""How steady the labels of a clip are: flicker where nothing changes, and areas that jump."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from runtime.confusion_matrix import count_confusions, mean_iou

__all__ = ["LabelledClip", "describe_jumps", "is_jump"]


def is_jump(before: float, after: float) -> bool:
    """Whether an area more than doubles or more than halves; from or to nothing it does both.

    >>> is_jump(0.1, 0.21), is_jump(0.1, 0.2), is_jump(0.0, 0.1), is_jump(0.0, 0.0)
    (True, False, True, False)
    """
    return max(before, after) > 2 * min(before, after)


def describe_jumps(areas: list[float], least_area: float) -> dict[str, Any]:
    """Pairs of consecutive frames in which an area jumps.

    Args:
        areas: of one class in each frame, as a share of the picture.
        least_area: the larger area of a pair that counts for the second share.

    Returns:
        ``share`` of all pairs; ``share_of_seen``: of the ``pairs_seen`` whose larger area is at
        least ``least_area``. A share of no pairs is NaN.
    """
    pairs = list(pairwise(areas))
    seen = [pair for pair in pairs if max(pair) >= least_area]

    def share(some: list[tuple[float, float]]) -> float:
        return sum(is_jump(*pair) for pair in some) / len(some) if some else float("nan")

    return {
        "pairs": len(pairs),
        "share": share(pairs),
        "pairs_seen": len(seen),
        "share_of_seen": share(seen),
    }


class LabelledClip:
    """Counts over the frames of one clip as they are labelled, in order.

    Args:
        classes: how many, of which labels below are.
        truth_classes: how many the truth has; other values of it are no truth.
    """

    def __init__(self, classes: int, truth_classes: int) -> None:
        self.areas: list[list[float]] = [[] for _ in range(classes)]
        self.confusion = np.zeros((truth_classes, truth_classes + 1), np.int64)
        self._truth_classes = truth_classes
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._static = 0
        self._changed = 0

    def add(self, labels_hw: np.ndarray, truth_hw: np.ndarray) -> None:
        """Count a frame: labels uint8 (h, w), and the truth of the same size."""
        for label, areas in enumerate(self.areas):
            areas.append(float((labels_hw == label).mean()))
        if self._last is not None:
            labels_before, truth_before = self._last
            static = (truth_hw == truth_before) & (truth_hw < self._truth_classes)
            self._static += int(static.sum())
            self._changed += int((static & (labels_hw != labels_before)).sum())
        self._last = labels_hw.copy(), truth_hw.copy()
        self.confusion += count_confusions(truth_hw, labels_hw, self._truth_classes)

    @property
    def flicker(self) -> float:
        """Share of the pixels with the same truth in two frames in a row whose label changes.

        NaN where there are none.
        """
        return self._changed / self._static if self._static else float("nan")

    @property
    def miou(self) -> float:
        """Mean IoU, a fraction; means something where labels and truth have the same words."""
        return mean_iou(self.confusion)
