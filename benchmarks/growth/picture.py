"""The record as a picture: time and memory against size, both on logarithmic axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.growth.record import LEAST_MIB

SIZE_WH = (12.4, 5.6)  # inches
DPI = 100
# Okabe and Ito's colors, which color-blind people tell apart; twice, then dashed.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")

__all__ = ["draw_growth"]


def draw_growth(sweeps: Mapping[str, Mapping[str, Any]]) -> Figure:
    """A line for each sweep, by its smallest size; what is linear runs beside the grey diagonal."""
    figure = Figure(figsize=SIZE_WH, dpi=DPI, layout="constrained")
    times, memories = figure.subplots(1, 2, sharex=True)
    for place, (name, sweep) in enumerate(sweeps.items()):
        look: dict[str, Any] = {
            "color": _COLORS[place % len(_COLORS)],
            "linestyle": "-" if place < len(_COLORS) else "--",
            "marker": "o",
            "markersize": 4,
        }
        points = sweep["points"]
        sizes = [point["size"] / points[0]["size"] for point in points]
        seconds = [point["cpu_s"] / points[0]["cpu_s"] for point in points]
        label = f"{name}: {sweep['time']['upper']:.2f}"
        times.plot(sizes, seconds, label=label, **look)
        mib = [max(point["memory_mib"], LEAST_MIB) for point in points]
        memories.plot(sizes, mib, label=f"{name}: {sweep['memory']['upper']:.2f}", **look)
    _finish(times, "Processor time, by that of the smallest size")
    _finish(memories, f"Memory beside what was loaded, MiB (at least {LEAST_MIB:g})")
    return figure


def _finish(axes: Axes, title: str) -> None:
    axes.set(xscale="log", yscale="log", title=title, xlabel="size, by the smallest")
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    start = max(bottom, 1.0)
    axes.plot([1, high], [start, start * high], color="#999999", linestyle=":", label="linear")
    axes.set(xlim=(low, high), ylim=(bottom, top))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, title="exponent of the upper half", title_fontsize=8)
