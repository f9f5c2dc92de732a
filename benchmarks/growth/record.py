"""What a sweep found: its points, how time and memory grow, and whether either is too steep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.growth.fit import Growth, fit_growth
from benchmarks.growth.sweep import Sweep

# What a clock of processor time, and the heap's grain, cannot tell from none.
LEAST_CPU_S = 1e-4
LEAST_MIB = 1.0
HEAD = (
    "sweep", "sizes", "seconds", "time ~ n^", "upper half", "MiB more", "memory ~ n^", "upper half",
)  # fmt: skip

__all__ = ["HEAD", "describe_sweep", "find_steep", "table_rows"]


def describe_sweep(sweep: Sweep, points: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """A sweep's points and fits, ready for JSON."""
    sizes = [point["size"] for point in points]
    return {
        "counted": sweep.counted,
        "work": sweep.work,
        "points": list(points),
        "time": _rounded(fit_growth(sizes, [point["cpu_s"] for point in points], LEAST_CPU_S)),
        "memory": _rounded(fit_growth(sizes, [point["memory_mib"] for point in points], LEAST_MIB)),
    }


def find_steep(sweeps: Mapping[str, Mapping[str, Any]], most: float) -> list[str]:
    """A line for each sweep whose time or memory grows with a larger exponent than ``most``.

    The upper half decides: what does not grow hides there least.
    """
    return [
        f"{what} grows with {sweep['counted']} ({name}) to the power of {sweep[what]['upper']:.2f}"
        for name, sweep in sweeps.items()
        for what in ("time", "memory")
        if sweep[what]["upper"] > most
    ]


def table_rows(sweeps: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    """A row for each sweep, as :data:`HEAD` names its cells."""
    rows: list[list[object]] = []
    for name, sweep in sweeps.items():
        first, last = sweep["points"][0], sweep["points"][-1]
        rows.append(
            [
                name,
                f"{first['size']:,} to {last['size']:,} {sweep['counted']}",
                f"{first['cpu_s']:.3g} to {last['cpu_s']:.3g}",
                _exponent(sweep["time"]),
                f"{sweep['time']['upper']:.2f}",
                f"{first['memory_mib']:.0f} to {last['memory_mib']:.0f}",
                _exponent(sweep["memory"]),
                f"{sweep['memory']['upper']:.2f}",
            ]
        )
    return rows


def _exponent(growth: Mapping[str, float | None]) -> str:
    error = growth["standard_error"]
    return f"{growth['exponent']:.2f}" + ("" if error is None else f" ± {error:.2f}")


def _rounded(growth: Growth) -> dict[str, float | None]:
    return {
        name: None if value is None else round(value, 3) for name, value in asdict(growth).items()
    }
