"""Segmentation measures: confusion matrix, intersection over union, boundary F-score.

Labels are uint8 maps of shape (height, width); ``IGNORE`` marks pixels without truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

IGNORE = 255


def count_confusions(truth_hw: np.ndarray, predicted_hw: np.ndarray, classes: int) -> np.ndarray:
    """Count pixel pairs as an int64 matrix of shape (classes, classes + 1): truth in rows.

    The last column counts pixels predicted as none of the classes. Pixels whose truth is not
    below ``classes`` (255, CamVid's 11) are left out.
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


def mean_iou(confusion: np.ndarray) -> float:
    """Mean IoU, a fraction, over the classes present in the truth; NaN where none is."""
    return float(_means(confusion[None])[0])


def named_ious(confusion: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """IoU by class name, for the classes present in the truth."""
    ious = class_ious(confusion)
    return {name: float(iou) for name, iou in zip(names, ious, strict=True) if not np.isnan(iou)}


def bootstrap_miou(
    confusions: Mapping[str, np.ndarray], *, resamples: int = 1000, seed: int = 0
) -> dict[str, np.ndarray]:
    """Mean IoU of resampled frame sets, the same frames for each name; float64 (resamples,) each.

    ``confusions`` maps a name to the frames' matrices, int64 (frames, classes, classes + 1).
    Differences between two names are therefore paired.
    """
    frames = {len(stack) for stack in confusions.values()}
    if len(frames) != 1:
        raise ValueError(f"each name needs the same frames, got {sorted(frames)} of them")
    count = frames.pop()
    weights = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    return {
        name: _means(np.tensordot(weights, stack, axes=1)) for name, stack in confusions.items()
    }


def interval95(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of ``values``."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def boundary_f_score(
    truth_hw: np.ndarray, predicted_hw: np.ndarray, *, tolerance: float = 0.0075
) -> float:
    """F-score of the label boundaries, a fraction; 1.0 when neither map has a boundary.

    A boundary pixel counts as found when one of the other map lies within ``tolerance`` (a share
    of the image's diagonal, at least one pixel). Pixels without truth are left out on both sides.
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


def _ious(confusions: np.ndarray) -> np.ndarray:
    """IoU for a stack of matrices (n, classes, classes + 1) -> (n, classes)."""
    classes = confusions.shape[1]
    truth = confusions.sum(axis=2).astype(np.float64)
    predicted = confusions[:, :, :classes].sum(axis=1)
    hits = np.diagonal(confusions[:, :, :classes], axis1=1, axis2=2)
    union = truth + predicted - hits
    return np.divide(hits, union, out=np.full(truth.shape, np.nan), where=truth > 0)


def _means(confusions: np.ndarray) -> np.ndarray:
    ious = _ious(confusions)
    present = ~np.isnan(ious)
    totals = np.where(present, ious, 0.0).sum(axis=1)
    counts = present.sum(axis=1)
    return np.divide(totals, counts, out=np.full(len(ious), np.nan), where=counts > 0)
