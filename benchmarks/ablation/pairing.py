"""Paired statistics: the same seed in two rows, one thing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of a few values; NaN where there are too few."""

    mean: float
    std: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a seed."""
        array = np.asarray(values, np.float64)
        mean = float(array.mean()) if len(array) else float("nan")
        std = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
        return cls(mean, std, tuple(map(float, array)))

    def to_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def pair(after: Sequence[float], before: Sequence[float]) -> Spread:
    """Spread of ``after - before``, seed by seed.

    A row that is not trained has one value, which stands for every seed.

    Raises:
        ValueError: both have several values, but not equally many.
    """
    count = max(len(after), len(before))
    if {len(after), len(before)} - {1, count}:
        raise ValueError(f"{len(after)} values cannot be paired with {len(before)}")
    differences = np.broadcast_to(after, count) - np.broadcast_to(before, count)
    return Spread.of(differences.tolist())


def exceeds_spread(difference: Spread) -> bool:
    """Whether a gain is more than its own standard deviation; never with a single seed."""
    return bool(difference.mean > difference.std)
