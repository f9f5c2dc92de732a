"""Legends that are never cut off: as many entries in a line as the figure has room for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch

from benchmarks.figures.colors import NO_CLASS, Color, as_shares, class_colors

LONGEST_LINE = 40  # letters of a name


def place_legend(
    owner: Figure | Axes,
    handles: Sequence[Artist],
    names: Sequence[str],
    width: float,
    **options: Any,
) -> Legend | None:
    """Put a legend below, in as many columns as fit.

    Args:
        owner: a figure, or axes.
        handles: what stands before each name.
        names: long ones are broken into lines.
        width: room in pixels.
        options: of matplotlib's ``legend``.

    Returns:
        The legend; None where there is nothing to name.
    """
    if not names:
        return None
    lines = [textwrap.fill(name, LONGEST_LINE) for name in names]
    figure = owner.get_figure(root=True)
    assert figure is not None
    renderer = FigureCanvasAgg(figure).get_renderer()
    for columns in range(len(names), 0, -1):
        legend = owner.legend(handles, lines, ncols=columns, frameon=False, **options)
        if columns == 1 or legend.get_window_extent(renderer).width <= width:
            return legend
        legend.remove()
    return None


def class_handles(entries: Iterable[tuple[str, Color]]) -> tuple[list[Patch], list[str]]:
    """Swatches and names for :func:`place_legend`."""
    pairs = list(entries)
    swatches = [Patch(facecolor=as_shares(color), edgecolor="0.2") for _, color in pairs]
    return swatches, [name for name, _ in pairs]


def present_classes(
    words: Sequence[str], maps: Iterable[np.ndarray], least_share: float = 0.002
) -> list[tuple[str, Color]]:
    """Names and colors of what is seen on label maps.

    Args:
        words: of the labels.
        maps: uint8 (h, w) each.
        least_share: of one map, which a label must cover.

    Returns:
        In the order of the labels; what has no label comes last.
    """
    present: set[int] = set()
    for labels_hw in maps:
        labels, counts = np.unique(labels_hw, return_counts=True)
        present |= set(labels[counts >= least_share * labels_hw.size].tolist())
    entries = [
        (word, color)
        for label, (word, color) in enumerate(zip(words, class_colors(words), strict=True))
        if label in present
    ]
    if any(label >= len(words) for label in present):
        entries.append(("no label", NO_CLASS))
    return entries
