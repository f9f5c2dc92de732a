"""How well the boundaries between labels are found."""

from __future__ import annotations

import cv2
import numpy as np

from runtime.confusion_matrix import IGNORE


def boundary_f_score(
    truth_hw: np.ndarray, predicted_hw: np.ndarray, *, tolerance: float = 0.0075
) -> float:
    """F-score of the label boundaries.

    A boundary pixel counts as found when one of the other map lies within ``tolerance``. Pixels
    without truth are left out on both sides.

    Args:
        truth_hw: uint8 (h, w), 255 where there is no truth.
        predicted_hw: uint8 (h, w).
        tolerance: a share of the image's diagonal; at least one pixel is tolerated.

    Returns:
        A fraction; 1.0 when neither map has a boundary.
    """
    height, width = truth_hw.shape
    reach = max(1, round(tolerance * float(np.hypot(height, width))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    unknown = (truth_hw == IGNORE).astype(np.uint8)
    known = cv2.dilate(unknown, np.ones((3, 3), np.uint8)) == 0
    truth = _boundaries(truth_hw) & known
    predicted = _boundaries(predicted_hw) & known
    if not truth.any() and not predicted.any():
        return 1.0
    if not truth.any() or not predicted.any():
        return 0.0
    precision = (predicted & _dilated(truth, disc)).sum() / predicted.sum()
    recall = (truth & _dilated(predicted, disc)).sum() / truth.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _boundaries(labels_hw: np.ndarray) -> np.ndarray:
    edges = np.zeros(labels_hw.shape, bool)
    edges[:, :-1] |= labels_hw[:, :-1] != labels_hw[:, 1:]
    edges[:-1, :] |= labels_hw[:-1, :] != labels_hw[1:, :]
    return edges


def _dilated(mask: np.ndarray, element: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), element) > 0
