from __future__ import annotations

import time

import pytest

from benchmarks.record.stage_clock import StageClock, summarise


def test_percentiles_by_hand():
    summary = summarise([*range(1, 101), 101])  # 1..101: the 51st value is the median
    assert summary["p50"] == 51
    assert summary["p90"] == 91
    assert summary["p95"] == 96
    assert summary["p99"] == 100
    assert (summary["min"], summary["max"], summary["mean"]) == (1, 101, 51)


def test_a_clock_keeps_each_stage_apart():
    clock = StageClock()
    for _ in range(3):
        with clock.measure("sleep"):
            time.sleep(0.002)
        clock.add("noted", 7.0)
    record = clock.to_record()
    assert record["sleep"]["min"] >= 2.0
    assert record["noted"]["p99"] == 7.0
    assert len(clock.times_ms["sleep"]) == 3


def test_a_failed_stage_leaves_no_time():
    clock = StageClock()
    with pytest.raises(RuntimeError), clock.measure("broken"):
        raise RuntimeError
    assert clock.times_ms == {}
