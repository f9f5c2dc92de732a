"""The record as a picture: what a model reaches by how many photographs it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from benchmarks.ablation.photographs.rows import SIZES

SIZE_WH = (9.6, 4.2)  # inches
#: Lines of the left part: by title of the record's figure, which label and color.
# Okabe and Ito's colors, which color-blind people tell apart.
MIOUS = {
    "in sight, units": ("COCO, names in sight", "#0072b2"),
    "in sight and background, units": ("COCO, and 20 background words", "#56b4e9"),
    "all 80, units": ("COCO, all 80 names", "#009e73"),
    "CamVid, units": ("CamVid", "#d55e00"),
}
RECALL = "R@5"

__all__ = ["draw_sizes", "sizes_of"]


def sizes_of(record: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """How many photographs, and the figures, of each row of the recipe itself, by size."""
    rows = [row for name, row in record["rows"].items() if name in {one.name for one in SIZES}]
    return sorted(((row["pairs"], row["figures"]) for row in rows), key=lambda size: size[0])


def draw_sizes(record: Mapping[str, Any]) -> Figure:
    """Means against the number of photographs, on a logarithmic axis; bars where seeds differ."""
    sizes = sizes_of(record)
    figure = Figure(figsize=SIZE_WH, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for title, (label, color) in MIOUS.items():
        if title in sizes[0][1]:
            _plot(left, sizes, title, label, color)
    _plot(right, sizes, RECALL, "a caption finds its photograph", "#cc79a7")
    left.set(title="mIoU by adaptive units, %")
    right.set(title="R@5 among 182 photographs, %")
    for axes in (left, right):
        axes.set(xscale="log", xlabel="photographs trained on", ylim=(0, None))
        axes.set_xticks([pairs for pairs, _ in sizes], [f"{pairs:,}" for pairs, _ in sizes])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def _plot(
    axes: Any, sizes: list[tuple[int, Mapping[str, Any]]], title: str, label: str, color: str
) -> None:
    spreads = [figures[title] for _, figures in sizes]
    deviations = [0.0 if one["std"] != one["std"] else one["std"] for one in spreads]
    axes.errorbar(
        [pairs for pairs, _ in sizes],
        [one["mean"] for one in spreads],
        yerr=deviations if any(deviations) else None,
        label=label, color=color, marker="o", markersize=4, capsize=3,
    )  # fmt: skip
