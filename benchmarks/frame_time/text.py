"""The record as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.record.table import format_table

_HEAD = ["median", "cpu ms", "wall ms", "share %", "G operations", "% of fp32 rate"]


def format_record(record: Mapping[str, Any]) -> str:
    """A table a bundle."""
    return "\n\n".join(_bundle(one, record) for one in record["bundles"])


def _bundle(measured: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    width, height = measured["input_size_wh"]
    clock = record["clock"]
    whole = measured["total"][clock]
    reached = measured.get("share_of_fp32_rate", {})
    rows = [
        [
            part,
            times["cpu_ms"],
            times["wall_ms"],
            100 * times[clock] / whole,
            measured["gflop"].get(part),
            None if reached.get(part) is None else 100 * reached[part],
        ]
        for part, times in measured["parts"].items()
    ]
    rows.append(
        ["total", measured["total"]["cpu_ms"], measured["total"]["wall_ms"], None, None, None]
    )
    title = (
        f"{measured['name']}: {measured['id']}, {measured['precision']}, {width}x{height}, "
        f"{measured['provider']}, threads: {record['threads']}, {record['frames']} frames"
    )
    lines = [title, format_table(_HEAD, rows)]
    if "products_at_fp32_rate_ms" in measured:
        rate = record["matrix_rate"]["fp32"]
        lines.append(
            f"at this machine's fp32 matrix rate ({rate['gflops']:.0f} G operations/s, "
            f"{rate['engine']}) the products alone would take "
            f"{measured['products_at_fp32_rate_ms']:.1f} ms"
        )
    return "\n".join(lines)
