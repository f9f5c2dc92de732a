"""Percentiles that enough measurements stand behind, with intervals that assume no distribution.

A percentile is told only where its tail was seen: of so many measurements, the second slowest must
lie above it with 99 % confidence. That takes 64 for the 90th, 130 for the 95th and 662 for the 99th
(MLPerf's load generator ends early by the same rule). The median is told of any number.

Intervals are the binomial ones of order statistics: how many of n measurements lie under a
percentile p follows a binomial law, whatever the times themselves follow, so the interval runs from
one measurement to another. It takes the measurements as independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

PERCENTILES = (50, 90, 95, 99)
#: Of the intervals.
CONFIDENCE = 0.95
METHOD = "binomial order statistics, 95 %"
_DOUBT = 0.01


@cache
def least_count(percentile: int) -> int:
    """How many measurements a percentile (50 to 99) needs.

    >>> [least_count(percentile) for percentile in PERCENTILES]
    [1, 64, 130, 662]
    """
    if percentile == 50:
        return 1
    under = percentile / 100
    count = 2
    while under**count + count * (1 - under) * under ** (count - 1) > _DOUBT:
        count += 1
    return count


def percentile_of(values: Sequence[float] | np.ndarray, percentile: int) -> float | None:
    """The percentile, linear between neighbors; None where there are too few values."""
    if len(values) < least_count(percentile):
        return None
    return float(np.percentile(np.asarray(values, np.float64), percentile))


def interval_of(
    values: Sequence[float] | np.ndarray, percentile: int
) -> tuple[float, float] | None:
    """An interval that holds the percentile with 95 % confidence (:data:`METHOD`).

    Args:
        values: the measurements, in any order.
        percentile: from 1 to 99.

    Returns:
        Two of the values, the lower first; None where there are too few of them.
    """
    ranks = interval_ranks(len(values), percentile)
    if ranks is None or len(values) < least_count(percentile):
        return None
    ordered = np.sort(np.asarray(values, np.float64))
    return float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])


@cache
def interval_ranks(count: int, percentile: int) -> tuple[int, int] | None:
    """Ranks from 1 of the two measurements that bound the interval; None if none are far enough.

    >>> interval_ranks(10, 50), interval_ranks(5, 50)
    ((2, 9), None)
    """
    below = _at_most(count, percentile / 100)
    tail = (1 - CONFIDENCE) / 2
    # The lower one is above the percentile if at most rank - 1 of the measurements are below it.
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    return None if low < 1 or high > count else (low, high)


def _at_most(count: int, probability: float) -> np.ndarray:
    """P(X <= 0), P(X <= 1), ... of a binomial X: float64 (count + 1,)."""
    taken = np.arange(count + 1)
    factorials = np.asarray([math.lgamma(number + 1) for number in taken])
    ways = factorials[-1] - factorials - factorials[::-1]
    logs = ways + taken * math.log(probability) + (count - taken) * math.log1p(-probability)
    return np.cumsum(np.exp(logs))
