"""Confusion matrices and intersection over union: the one place where mIoU is computed.

Labels are uint8 maps of shape (height, width); :data:`IGNORE` marks pixels without truth. A matrix
is int64 (classes, classes + 1): the truth in rows, predictions in columns, of which the last counts
pixels predicted as none of the classes. Matrices of several frames add up; a stack of them is
(frames, classes, classes + 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "IGNORE",
    "class_ious",
    "count_confusions",
    "mean_iou",
    "mean_ious",
    "named_ious",
]

IGNORE = 255


def count_confusions(truth_hw: np.ndarray, predicted_hw: np.ndarray, classes: int) -> np.ndarray:
    """Count the pixels of one frame.

    Args:
        truth_hw: uint8 (height, width). Pixels whose truth is not below ``classes`` (255, CamVid's
            11) are left out.
        predicted_hw: uint8 of the same shape; values from ``classes`` on are none of the classes.
        classes: how many there are.

    Returns:
        int64 (classes, classes + 1).

    Raises:
        ValueError: maps of two shapes.
    """
    if truth_hw.shape != predicted_hw.shape:
        raise ValueError(
            f"truth is {truth_hw.shape} and prediction is {predicted_hw.shape}; "
            "both must have the source's height and width"
        )
    known = truth_hw < classes
    truth = truth_hw[known].astype(np.int64)
    predicted = np.minimum(predicted_hw[known].astype(np.int64), classes)
    counts = np.bincount(truth * (classes + 1) + predicted, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1)


def class_ious(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, float64 (classes,); NaN where the truth lacks it."""
    return _ious(confusion[None])[0]


def named_ious(confusion: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """IoU by class name, for the classes present in the truth."""
    ious = class_ious(confusion)
    return {name: float(iou) for name, iou in zip(names, ious, strict=True) if not np.isnan(iou)}


def mean_iou(confusion: np.ndarray) -> float:
    """Mean IoU, a fraction, over the classes present in the truth; NaN where none is."""
    return float(mean_ious(confusion[None])[0])


def mean_ious(confusions: np.ndarray) -> np.ndarray:
    """:func:`mean_iou` of each matrix of a stack: (n, classes, classes + 1) -> float64 (n,)."""
    ious = _ious(confusions)
    present = ~np.isnan(ious)
    totals = np.where(present, ious, 0.0).sum(axis=1)
    counts = present.sum(axis=1)
    return np.divide(totals, counts, out=np.full(len(ious), np.nan), where=counts > 0)


def _ious(confusions: np.ndarray) -> np.ndarray:
    """IoU for a stack of matrices (n, classes, classes + 1) -> (n, classes)."""
    classes = confusions.shape[1]
    truth = confusions.sum(axis=2).astype(np.float64)
    predicted = confusions[:, :, :classes].sum(axis=1)
    hits = np.diagonal(confusions[:, :, :classes], axis1=1, axis2=2)
    union = truth + predicted - hits
    return np.divide(hits, union, out=np.full(truth.shape, np.nan), where=truth > 0)
