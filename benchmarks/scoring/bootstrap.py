"""How sure a mean IoU is: bootstraps over frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runtime.confusion_matrix import mean_ious


def bootstrap_miou(
    confusions: Mapping[str, np.ndarray], *, resamples: int = 1000, seed: int = 0
) -> dict[str, np.ndarray]:
    """Mean IoU of resampled sets of frames, the same frames for each name.

    Differences between two names are therefore paired.

    Args:
        confusions: by name the frames' matrices, int64 (frames, classes, classes + 1).
        resamples: how many sets are drawn.
        seed: of the drawing.

    Returns:
        By name float64 (resamples,), fractions.

    Raises:
        ValueError: not equally many frames for each name.
    """
    frames = {len(stack) for stack in confusions.values()}
    if len(frames) != 1:
        raise ValueError(f"each name needs the same frames, got {sorted(frames)} of them")
    count = frames.pop()
    weights = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    return {
        name: mean_ious(np.tensordot(weights, stack, axes=1)) for name, stack in confusions.items()
    }


def interval95(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of ``values``."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
