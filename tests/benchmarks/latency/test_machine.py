"""When a machine is called unsteady, and what is said of it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from benchmarks.latency.machine import MachineState, judge, read_state, warning_of
from runtime.environment import usable_cores

START = MachineState(
    at_s=100.0, load_average=0.1, frequency_mhz=2000.0, busy_s=50.0, stolen_s=1.0, own_s=5.0
)
# Ten seconds later, in which this process worked eight core seconds and others half of one.
END = MachineState(
    at_s=110.0, load_average=0.9, frequency_mhz=2010.0, busy_s=58.5, stolen_s=1.0, own_s=13.0
)


def test_a_steady_machine() -> None:
    record = judge(0.1, START, END, 0.05)
    assert record["steady"] is True and record["reasons"] == []
    assert record["load_average"] == [0.1, 0.9]
    assert record["frequency_mhz"] == [2000.0, 2010.0]
    assert record["other_programs_cores"] == pytest.approx(0.05)
    assert warning_of(record) is None


@pytest.mark.parametrize(
    ("load", "end", "variation", "said"),
    [
        (0.1, END, 0.2, "varies by 20%"),
        (100.0, END, 0.0, "load average was 100.0"),
        (0.1, replace(END, busy_s=68.0), 0.0, "other programs kept 1.00 cores"),
        (0.1, replace(END, stolen_s=1.0 + 10 * usable_cores()), 0.0, "host took 100.0%"),
        (0.1, replace(END, frequency_mhz=1500.0), 0.0, "from 2000 to 1500 MHz"),
    ],
)
def test_each_reason_is_named(load: float, end: MachineState, variation: float, said: str) -> None:
    record = judge(load, START, end, variation)
    assert record["steady"] is False
    (reason,) = record["reasons"]
    assert said in reason
    assert said in str(warning_of(record))


def test_a_system_that_tells_nothing_gives_no_reason() -> None:
    silent = {"load_average": None, "frequency_mhz": None, "busy_s": None, "stolen_s": None}
    record = judge(None, replace(START, **silent), replace(END, **silent), 0.0)
    assert record["steady"] is True
    assert record["other_programs_cores"] is None and record["stolen_share"] is None


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="Linux tells it there")
def test_this_machine_tells_its_work() -> None:
    state = read_state()
    assert state.busy_s is not None and state.busy_s >= 0
    assert state.load_average is not None
