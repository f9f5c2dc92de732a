"""Tables for a terminal."""

from __future__ import annotations

from benchmarks.record.table import format_table


def test_table_lines_up():
    table = format_table(["IoU %", "adaptive"], [["car", 41.234], ["mean", float("nan")]])
    assert table.splitlines() == ["IoU %  adaptive", "car       41.23", "mean          -"]


def test_what_was_not_measured_is_a_dash():
    assert format_table(["ms", "p99"], [["infer", None]]).splitlines()[1] == "infer    -"
