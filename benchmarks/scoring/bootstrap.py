"""How sure a mean IoU is: bootstraps over frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def margins_of(confusion: np.ndarray) -> np.ndarray:
    """What a mean IoU needs of a frame's matrix: int64 (3, classes).

    Pixels of each class in the truth, in the prediction, and in both. Of a set with hundreds of
    classes and thousands of frames the matrices themselves would fill the memory.
    """
    classes = len(confusion)
    square = confusion[:, :classes]
    return np.stack([confusion.sum(axis=1), square.sum(axis=0), np.diagonal(square)])


def bootstrap_miou(
    margins: Mapping[str, np.ndarray], *, resamples: int = 1000, seed: int = 0
) -> dict[str, np.ndarray]:
    """Mean IoU of resampled sets of frames, the same frames for each name.

    Differences between two names are therefore paired.

    Args:
        margins: by name the frames' figures, int64 (frames, 3, classes), see :func:`margins_of`.
        resamples: how many sets are drawn.
        seed: of the drawing.

    Returns:
        By name float64 (resamples,), fractions.

    Raises:
        ValueError: not equally many frames for each name.
    """
    frames = {len(stack) for stack in margins.values()}
    if len(frames) != 1:
        raise ValueError(f"each name needs the same frames, got {sorted(frames)} of them")
    count = frames.pop()
    weights = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    # As float64, exact for any count here: a product of integers takes many times as long.
    drawn = weights.astype(np.float64)
    return {
        name: mean_ious_of(np.tensordot(drawn, stack.astype(np.float64), axes=1))
        for name, stack in margins.items()
    }


def mean_ious_of(margins: np.ndarray) -> np.ndarray:
    """Mean IoU of each of n figures like :func:`margins_of`'s: (n, 3, classes) -> float64 (n,); NaN
    where no class has truth.
    """
    truth, predicted, hits = margins[:, 0], margins[:, 1], margins[:, 2]
    seen = truth > 0
    union = truth + predicted - hits
    ious = np.divide(hits, union, out=np.zeros(truth.shape), where=seen)
    classes = seen.sum(axis=1)
    return np.divide(ious.sum(axis=1), classes, out=np.full(len(ious), np.nan), where=classes > 0)


def bootstrap_means(values: np.ndarray, *, resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """Means of resampled frames: float64 (resamples,), empty if there is no frame.

    Of as many values, the same frames are drawn each time, so that ratios and differences are
    paired.

    Args:
        values: a figure for each frame, (frames,).
        resamples: how many sets are drawn.
        seed: of the drawing.
    """
    count = len(values)
    if not count:
        return np.empty(0)
    weights = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    return np.asarray(weights @ np.asarray(values, np.float64) / count)


def interval95(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of ``values``."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
