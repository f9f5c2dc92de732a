"""Figure "curves": losses and mIoU of both phases, of one run or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.figures.colors import as_shares, palette_rgb
from benchmarks.figures.legend import place_legend
from benchmarks.figures.metrics_log import PHASES, Points, RunMetrics

SIZE_WH = (12.4, 9.0)  # inches
DPI = 100
TITLES = {"pretrain": "pre-training of the CLIP", "mgca": "MGCA: training of the decoder"}
WHOLE_LOSS = "sum of all"
_SMOOTHED_FROM = 40  # points: a line of more is drawn pale, with its running mean
_PALE_ON_PAPER = (240, 228, 66)
Lines = dict[str, Points]  # by the name in the legend


def draw_curves(runs: Sequence[RunMetrics]) -> Figure:
    """Above the losses, below the mIoU; a column for each phase.

    One run: every term of the loss. Several: the whole loss of each, and its mIoU with units.
    """
    figure = Figure(figsize=SIZE_WH, dpi=DPI, layout="constrained")
    columns = figure.subplots(2, len(PHASES), sharex="col").T
    for phase, (losses, mious) in zip(PHASES, columns, strict=True):
        losses.set_title(f"{TITLES[phase]}: losses")
        mious.set_title(f"{TITLES[phase]}: mIoU % on held-out scenes")
        _draw_losses(losses, loss_lines(runs, phase))
        _draw_mious(mious, miou_lines(runs, phase))
    return figure


def loss_lines(runs: Sequence[RunMetrics], phase: str) -> Lines:
    """The lines of the upper plot, named as the legend names them."""
    if len(runs) == 1:
        terms = runs[0].losses.get(phase, {})
        names = sorted(terms, key=lambda term: term != "loss")  # the sum first
        return {WHOLE_LOSS if name == "loss" else name: terms[name] for name in names}
    return {
        name: run.losses[phase]["loss"]
        for name, run in zip(_names(runs), runs, strict=True)
        if "loss" in run.losses.get(phase, {})
    }


def miou_lines(runs: Sequence[RunMetrics], phase: str) -> Lines:
    """The lines of the lower plot."""
    if len(runs) == 1:
        return dict(runs[0].miou.get(phase, {}))
    return {
        name: run.miou[phase]["adaptive units"]
        for name, run in zip(_names(runs), runs, strict=True)
        if "adaptive units" in run.miou.get(phase, {})
    }


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Centred running mean, float64 (n,); at the ends over what is there.

    >>> smooth([0, 3, 6, 3], 3).tolist()
    [1.5, 3.0, 4.0, 4.5]
    """
    half = window // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def _names(runs: Sequence[RunMetrics]) -> list[str]:
    names = [run.name for run in runs]
    return [
        name if names.count(name) == 1 else f"{name} ({index + 1})"
        for index, name in enumerate(names)
    ]


def _draw_losses(axes: Axes, lines: Lines) -> None:
    handles: list[Line2D] = []
    for name, color in _colors(lines).items():
        steps, values = zip(*lines[name], strict=True)
        if len(values) > _SMOOTHED_FROM:
            axes.plot(steps, values, color=color, alpha=0.25, linewidth=0.8)
        mean = smooth(values, max(1, len(values) // _SMOOTHED_FROM))
        handles += axes.plot(steps, mean, color=color, linewidth=2)
    _finish(axes, lines, handles)


def _draw_mious(axes: Axes, lines: Lines) -> None:
    handles: list[Line2D] = []
    for name, color in _colors(lines).items():
        steps, values = zip(*lines[name], strict=True)
        handles += axes.plot(steps, values, color=color, linewidth=2, marker="o", markersize=4)
    _finish(axes, lines, handles)


def _colors(lines: Lines) -> dict[str, tuple[float, float, float]]:
    rows = [(r, g, b) for r, g, b in palette_rgb(255).tolist() if (r, g, b) != _PALE_ON_PAPER]
    spare = iter(rows)
    return {name: as_shares((30, 30, 30) if name == WHOLE_LOSS else next(spare)) for name in lines}


def _finish(axes: Axes, lines: Lines, handles: list[Line2D]) -> None:
    axes.set_xlabel("step")
    axes.tick_params(labelbottom=True)  # of the upper plots too
    axes.grid(color="0.9")
    if not lines:
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center")
        return
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=min(0.0, *(value for line in lines.values() for _, value in line)))
    figure = axes.get_figure(root=True)
    assert figure is not None
    place_legend(
        axes,
        handles,
        list(lines),
        0.9 * figure.bbox.width / len(PHASES),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
    )
