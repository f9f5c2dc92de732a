"""Which percentiles are told, and intervals whose coverage can be counted by hand."""

from __future__ import annotations

import pytest

from benchmarks.record.percentiles import (
    interval_of,
    interval_ranks,
    least_count,
    percentile_of,
)


@pytest.mark.parametrize(("percentile", "count"), [(90, 64), (95, 130), (99, 662)])
def test_the_second_slowest_of_so_many_lies_above_it(percentile: int, count: int) -> None:
    """With 99 % confidence, and no sooner: none or one of them above is at most 1 in 100."""
    under = percentile / 100

    def at_most_one_above(number: int) -> float:
        return under**number + number * (1 - under) * under ** (number - 1)

    assert least_count(percentile) == count
    assert at_most_one_above(count) <= 0.01 < at_most_one_above(count - 1)


def test_a_percentile_of_too_few_is_none() -> None:
    assert percentile_of(range(63), 90) is None
    assert percentile_of(range(101), 90) == 90
    assert interval_of(range(63), 90) is None


def test_the_median_of_six_lies_between_the_extremes() -> None:
    """Six values lie all on one side in 2 of 64 cases: 96.9 %; five in 2 of 32: 93.8 %."""
    assert interval_ranks(6, 50) == (1, 6)
    assert interval_of([3.0, 1.0, 2.0, 9.0, 5.0, 4.0], 50) == (1.0, 9.0)
    assert interval_of([3.0, 1.0, 2.0, 9.0, 5.0], 50) is None


def test_ranks_are_those_of_the_tables() -> None:
    """The median of 10: from the 2nd to the 9th (97.9 %); of 20: the 6th to the 15th (95.9 %)."""
    assert interval_ranks(10, 50) == (2, 9)
    assert interval_ranks(20, 50) == (6, 15)
