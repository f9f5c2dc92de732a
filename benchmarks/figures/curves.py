"""Figure "curves": losses and mIoU of both phases, of one run or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.figures.axes import LETTERS, Axes, smooth
from benchmarks.figures.canvas import blank, make_legend, stack
from benchmarks.figures.colors import Color
from benchmarks.figures.metrics_log import PHASES, Points, RunMetrics
from runtime.draw.palette import palette

SIZE_WH = (620, 380)
TITLES = {"pretrain": "pre-training of the CLIP", "mgca": "MGCA: training of the decoder"}
_SUM: Color = (30, 30, 30)
Lines = dict[str, Points]  # by the name in the legend


def draw_curves(runs: Sequence[RunMetrics]) -> np.ndarray:
    """Above the losses, below the mIoU; a column for each phase.

    One run: every term of the loss. Several: the whole loss of each, and its mIoU with units.
    """
    columns: list[list[np.ndarray]] = []
    for phase in PHASES:
        loss, miou = loss_lines(runs, phase), miou_lines(runs, phase)
        end = max(
            (x for lines in (loss, miou) for line in lines.values() for x, _ in line), default=1
        )
        columns.append([_draw_losses(loss, phase, end), _draw_miou(miou, phase, end)])
    return stack([_side_by_side(plots) for plots in zip(*columns, strict=True)])


def _side_by_side(plots: Sequence[np.ndarray]) -> np.ndarray:
    """Plots of one width next to each other, the low ones filled up with paper."""
    width = plots[0].shape[1]
    canvas = blank(width * len(plots), max(plot.shape[0] for plot in plots))
    for column, plot in enumerate(plots):
        canvas[: plot.shape[0], column * width : (column + 1) * width] = plot
    return canvas


def loss_lines(runs: Sequence[RunMetrics], phase: str) -> Lines:
    """The lines of the upper plot, named as the legend names them."""
    if len(runs) == 1:
        terms = runs[0].losses.get(phase, {})
        names = sorted(terms, key=lambda term: term != "loss")  # the sum first
        return {"sum of all" if name == "loss" else name: terms[name] for name in names}
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


def _names(runs: Sequence[RunMetrics]) -> list[str]:
    names = [run.name for run in runs]
    return [
        name if names.count(name) == 1 else f"{name} ({index + 1})"
        for index, name in enumerate(names)
    ]


def _draw_losses(lines: Lines, phase: str, end: float) -> np.ndarray:
    values = [y for line in lines.values() for _, y in line]
    top = 1.05 * max(values, default=1.0)
    axes = Axes(
        SIZE_WH, f"{TITLES[phase]}: losses", "step", (0, 1.02 * end), (min([0.0, *values]), top)
    )
    colors = _colors(lines)
    for name, line in lines.items():  # the measured points, pale and behind everything
        if len(line) > 40:
            blue, green, red = (255 - (255 - part) // 4 for part in colors[name])
            axes.draw_line(line, (blue, green, red), thickness=1)
    for name, line in lines.items():
        mean = smooth([y for _, y in line], max(1, len(line) // 40)).tolist()
        axes.draw_line([(x, y) for (x, _), y in zip(line, mean, strict=True)], colors[name])
    return _finish(axes, lines, colors)


def _draw_miou(lines: Lines, phase: str, end: float) -> np.ndarray:
    top = 1.15 * max((y for line in lines.values() for _, y in line), default=1.0)
    title = f"{TITLES[phase]}: mIoU % on held-out scenes"
    axes = Axes(SIZE_WH, title, "step", (0, 1.02 * end), (0.0, top))
    colors = _colors(lines)
    for name, line in lines.items():
        axes.draw_line(line, colors[name], dots=True)
    return _finish(axes, lines, colors)


def _colors(lines: Lines) -> dict[str, Color]:
    spare = iter([row for row in palette(255).tolist() if row != [66, 228, 240]])  # pale on paper
    return {
        name: _SUM if name == "sum of all" else (row := next(spare)) and (row[0], row[1], row[2])
        for name in lines
    }


def _finish(axes: Axes, lines: Lines, colors: dict[str, Color]) -> np.ndarray:
    if not lines:
        axes.say("nothing measured yet")
    legend = make_legend([(name, colors[name]) for name in lines], SIZE_WH[0], letters=LETTERS)
    return stack([axes.canvas, legend])
