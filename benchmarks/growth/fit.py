"""The exponent with which something grows: a line through the logarithms of sizes and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Growth", "fit_growth"]


@dataclass(frozen=True)
class Growth:
    """``value ~ size ** exponent``.

    Attributes:
        exponent: least squares over the logarithms of all points; 1 is linear, 0 is none.
        standard_error: of it; None for two points.
        upper: the same over the upper half of the points (at least two), where what does not grow
            weighs least.
    """

    exponent: float
    standard_error: float | None
    upper: float


def fit_growth(sizes: Sequence[float], values: Sequence[float], least: float) -> Growth:
    """Fit a power law.

    Args:
        sizes: two different ones or more, rising, above 0.
        values: one for each size.
        least: the smallest value that can be told from none; values below it count as it.

    >>> growth = fit_growth([1, 10, 100], [3, 30, 300], least=0.1)
    >>> round(growth.exponent, 6), round(growth.upper, 6)
    (1.0, 1.0)
    """
    x, y = np.log(sizes), np.log(np.maximum(values, least))
    upper = len(x) - max(2, (len(x) + 1) // 2)
    exponent = _slope(x, y)
    standard_error = None
    if len(x) > 2:
        off = y - y.mean() - exponent * (x - x.mean())
        spread = ((x - x.mean()) ** 2).sum()
        standard_error = float(np.sqrt((off**2).sum() / (len(x) - 2) / spread))
    return Growth(exponent, standard_error, _slope(x[upper:], y[upper:]))


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    away = x - x.mean()
    return float((away * (y - y.mean())).sum() / (away**2).sum())
