"""How units and predicted segments fit the truth: cut too coarsely, or too finely.

Both errors are shares of the pixels with truth, in [0, 1], and mirror each other (after the
under-segmentation error of superpixels, Neubert and Protzel 2012).
"""

from __future__ import annotations

import cv2
import numpy as np

from runtime.confusion_matrix import IGNORE

SMALLEST_SHARE = 0.001  # of the image: smaller pieces of the truth do not make a scene busy


def under_segmentation(truth_hw: np.ndarray, units_hw: np.ndarray) -> float:
    """Pixels where a unit reaches over a true segment's border: the smaller side of each overlap.

    0: every unit lies inside one segment. A unit that covers two segments of equal size is
    wholly wrong.

    Args:
        truth_hw: integers (h, w), segments; 255 is left out.
        units_hw: integers (h, w), units.

    Returns:
        A share of the pixels with truth; NaN where there are none.
    """
    return _leaking(truth_hw, units_hw, of_units=True)


def over_segmentation(truth_hw: np.ndarray, units_hw: np.ndarray) -> float:
    """Pixels where a true segment reaches over a unit's border; 0: no segment is cut.

    Arguments and result are those of :func:`under_segmentation`.
    """
    return _leaking(truth_hw, units_hw, of_units=False)


def _leaking(truth_hw: np.ndarray, units_hw: np.ndarray, *, of_units: bool) -> float:
    known = truth_hw != IGNORE
    if not known.any():
        return float("nan")
    _, truth = np.unique(truth_hw[known], return_inverse=True)
    _, units = np.unique(units_hw[known], return_inverse=True)
    columns = int(units.max()) + 1
    pairs, overlap = np.unique(truth.astype(np.int64) * columns + units, return_counts=True)
    whole = (
        np.bincount(units)[pairs % columns] if of_units else np.bincount(truth)[pairs // columns]
    )
    return float(np.minimum(overlap, whole - overlap).sum() / known.sum())


def connected_segments(labels_hw: np.ndarray) -> np.ndarray:
    """Connected pieces (4 neighbours) of equal label, numbered from 0.

    The pieces of label 255 are all numbered 255, and no other piece is, so that the errors above
    leave them out.

    Args:
        labels_hw: uint8 (h, w).

    Returns:
        int32 (h, w).
    """
    pieces_hw = np.full(labels_hw.shape, IGNORE, np.int32)
    following = 0
    for label in np.unique(labels_hw[labels_hw != IGNORE]):
        count, found_hw = cv2.connectedComponents((labels_hw == label).astype(np.uint8), None, 4)
        inside = found_hw > 0
        numbers = found_hw[inside] - 1 + following
        pieces_hw[inside] = np.where(numbers >= IGNORE, numbers + 1, numbers)
        following += count - 1
    return pieces_hw


def scene_complexity(truth_hw: np.ndarray) -> int:
    """Connected pieces of the truth that are at least a thousandth of the image."""
    pieces = connected_segments(truth_hw)
    _, sizes = np.unique(pieces[pieces != IGNORE], return_counts=True)
    return int((sizes >= SMALLEST_SHARE * truth_hw.size).sum())


def compare_with_complexity(active: np.ndarray, complexity: np.ndarray) -> dict[str, float]:
    """Active units of the plainest and of the busiest tenth of the scenes, and their ratio.

    Args:
        active: units in use, (scenes,).
        complexity: see :func:`scene_complexity`, (scenes,).

    Returns:
        ``plainest_tenth``, ``busiest_tenth``, their ``ratio``, ``fewest``, ``most`` (units), and
        the ``correlation``, NaN where either does not vary.
    """
    order = np.argsort(complexity, kind="stable")
    tenth = max(1, round(len(order) / 10))
    plain, busy = active[order[:tenth]].mean(), active[order[-tenth:]].mean()
    varied = len(order) > 1 and active.std() > 0 and complexity.std() > 0
    return {
        "plainest_tenth": float(plain),
        "busiest_tenth": float(busy),
        "ratio": float(busy / plain),
        "fewest": float(active.min()),
        "most": float(active.max()),
        "correlation": float(np.corrcoef(active, complexity)[0, 1]) if varied else float("nan"),
    }
