from __future__ import annotations

import time

import pytest

from benchmarks.record.stage_clock import StageClock, summarise


def test_percentiles_by_hand():
    summary = summarise([*range(1, 1002)])  # 1..1001: the 501st value is the median
    assert summary["p50"] == 501
    assert summary["p90"] == 901
    assert summary["p95"] == 951
    assert summary["p99"] == 991
    assert (summary["min"], summary["max"], summary["mean"]) == (1, 1001, 501)
    for point in ("p50", "p90", "p95", "p99"):
        low, high = summary["ci95"][point]
        assert low < summary[point] < high


def test_a_spread_by_hand_and_no_tail_of_three_values():
    summary = summarise([8.0, 10.0, 12.0])
    assert summary["cv"] == 0.2  # a standard deviation of 2 at a mean of 10
    assert summary["p50"] == 10.0
    assert (summary["p90"], summary["p95"], summary["p99"]) == (None, None, None)
    assert summary["ci95"] == {"p50": None, "p90": None, "p95": None, "p99": None}
    assert summarise([7.0])["cv"] == 0.0


def test_a_clock_keeps_each_stage_apart():
    clock = StageClock()
    for _ in range(3):
        with clock.measure("sleep"):
            time.sleep(0.002)
        clock.add("noted", 7.0)
    record = clock.to_record()
    assert record["sleep"]["min"] >= 2.0
    assert record["noted"]["p50"] == 7.0
    assert len(clock.times_ms["sleep"]) == 3


def test_a_failed_stage_leaves_no_time():
    clock = StageClock()
    with pytest.raises(RuntimeError), clock.measure("broken"):
        raise RuntimeError
    assert clock.times_ms == {}
