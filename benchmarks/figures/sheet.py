"""A table of pictures: a title over each column, a note under each panel, a legend below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.colors import Color
from benchmarks.figures.legend import class_handles, place_legend

DPI = 100
TITLE_POINTS, NOTE_POINTS = 13, 11
_TITLE_ROOM, _NOTE_ROOM = 0.35, 0.3  # inches


class Sheet:
    """Axes in rows and columns that show pictures of one shape.

    Args:
        rows: how many.
        titles: of the columns.
        panel_wh: width and height of a panel, about, in pixels.

    Attributes:
        figure: of matplotlib, to be written by :func:`benchmarks.figures.png.write_png`.
        panels: the axes, (rows, columns).
    """

    def __init__(self, rows: int, titles: Sequence[str], panel_wh: tuple[int, int]) -> None:
        width, height = (side / DPI for side in panel_wh)
        size = (len(titles) * width, rows * (height + _NOTE_ROOM) + _TITLE_ROOM + 0.8)
        self.figure = Figure(figsize=size, dpi=DPI, layout="compressed")
        self.panels = self.figure.subplots(rows, len(titles), squeeze=False)
        letters = max(12, panel_wh[0] // 10)  # about as wide as a panel
        for axes in self.panels.flat:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        for axes, title in zip(self.panels[0], titles, strict=True):
            axes.set_title(textwrap.fill(title, letters), fontsize=TITLE_POINTS)

    def show(
        self, row: int, column: int, image_hw3: np.ndarray, note: str = "", *, flat: bool = False
    ) -> Axes:
        """Show a picture in a panel.

        Args:
            row: from the top, from 0.
            column: from the left, from 0.
            image_hw3: RGB uint8 (h, w, 3).
            note: below it.
            flat: its colors are labels and must not be mixed.

        Returns:
            The panel, in whose coordinates a pixel is 1.
        """
        axes: Axes = self.panels[row, column]
        axes.imshow(image_hw3, interpolation="nearest" if flat else "auto")
        axes.set_xlabel(note, fontsize=NOTE_POINTS)
        return axes

    def add_legend(self, entries: Sequence[tuple[str, Color]]) -> None:
        """Name colors below the pictures."""
        swatches, names = class_handles(entries)
        with matplotlib.rc_context({"legend.fontsize": TITLE_POINTS}):
            place_legend(
                self.figure,
                swatches,
                names,
                self.figure.bbox.width,
                loc="outside lower left",
                handlelength=1.2,
                handleheight=1.2,
                columnspacing=1.4,
                borderpad=0.9,
            )
