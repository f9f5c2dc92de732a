"""Figure "units": the image, its semantic units in a color each, and what each of them says."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from benchmarks.figures.colors import class_colors, paint_labels, paint_units, unit_edges
from benchmarks.figures.legend import present_classes
from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import Picture
from benchmarks.figures.sheet import Sheet

PANEL_WH = (384, 288)
NAME_POINTS = 11
NAMED_SHARE = 0.02  # of the picture: smaller units stay without a name
TITLES = ("image", "semantic units, with their best word", "classes read from the units")


def draw_units(view: CheckpointView, pictures: Sequence[Picture]) -> Figure:
    """A row for each picture: image, units, the classes that the units read."""
    words = pictures[0].words
    text_kd = view.embed(words)
    sheet = Sheet(len(pictures), TITLES, PANEL_WH)
    maps, named = [], []
    for row, picture in enumerate(pictures):
        sight = view.see(picture.frame_bgr)
        units_hw = sight.unit_map(PANEL_WH)
        labels_hw = sight.labels(text_kd, "units", PANEL_WH)
        unit_words = [words[i] for i in (text_kd @ sight.units_ud.T).argmax(axis=0)]
        painted = paint_units(units_hw)
        painted[unit_edges(units_hw)] = (255, 255, 255)
        sheet.show(row, 0, cv2.cvtColor(picture.frame_bgr, cv2.COLOR_BGR2RGB))
        panel = sheet.show(row, 1, painted, f"{len(np.unique(units_hw))} units", flat=True)
        sheet.show(row, 2, paint_labels(labels_hw, class_colors(words)), flat=True)
        named.append((panel, units_hw, unit_words))
        maps.append(labels_hw)
    sheet.add_legend(present_classes(words, maps))
    sheet.figure.draw_without_rendering()  # names are placed where the panels then lie
    for panel, units_hw, unit_words in named:
        name_units(panel, units_hw, unit_words)
    return sheet.figure


def name_units(axes: Axes, units_hw: np.ndarray, words: Sequence[str]) -> None:
    """Write each large unit's word into its widest place, the largest units first.

    What would cover another name is left out.

    Args:
        axes: a panel that shows the units, its place settled.
        units_hw: integers (h, w), the slot of each pixel's unit.
        words: by slot.
    """
    slots, sizes = np.unique(units_hw, return_counts=True)
    taken: list[Bbox] = []
    for index in np.argsort(-sizes, kind="stable"):
        if sizes[index] < NAMED_SHARE * units_hw.size:
            break
        word = words[int(slots[index])]
        name = axes.text(
            *widest_place(units_hw == slots[index]),
            word,
            color="white",
            fontsize=NAME_POINTS,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2.5, foreground="black")],
            in_layout=False,
        )
        box = name.get_window_extent()
        left, right = axes.bbox.x0 - box.x0, axes.bbox.x1 - box.x1
        if left > 0 or right < 0:  # it sticks out of its panel
            shift = max(left, 0.0) + min(right, 0.0)
            across = axes.transData.inverted().transform((box.x0 + box.width / 2 + shift, 0))
            name.set_x(across[0])
            box = box.translated(shift, 0)
        if any(box.overlaps(other) for other in taken):
            name.remove()
        else:
            taken.append(box)


def widest_place(mask_hw: np.ndarray) -> tuple[int, int]:
    """X and y of the pixel that lies deepest inside a bool mask (h, w)."""
    padded = np.pad(mask_hw.astype(np.uint8), 1)  # the picture's rim is a border too
    depth_hw = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth_hw.argmax()), depth_hw.shape)
    return int(x), int(y)
