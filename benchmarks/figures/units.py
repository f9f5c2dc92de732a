"""Figure "units": the image, its semantic units in a color each, and what each of them says."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.figures.canvas import draw_outlined, fit, lay_out, stack, text_width
from benchmarks.figures.colors import class_colors, paint_labels, paint_units, unit_edges
from benchmarks.figures.legend import class_legend
from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import Picture

PANEL_WH = (384, 288)
LETTERS = 22
NAMED_SHARE = 0.02  # of the picture: smaller units stay without a name
Box = tuple[int, int, int, int]


def draw_units(view: CheckpointView, pictures: Sequence[Picture]) -> np.ndarray:
    """A row for each picture: image, units, the classes that the units read."""
    words = pictures[0].words
    text_kd = view.embed(words)
    rows, notes, maps = [], [], []
    for picture in pictures:
        sight = view.see(picture.frame_bgr)
        units_hw = sight.unit_map(PANEL_WH)
        labels_hw = sight.labels(text_kd, "units", PANEL_WH)
        unit_words = [words[i] for i in (text_kd @ sight.units_ud.T).argmax(axis=0)]
        painted = paint_units(units_hw)
        painted[unit_edges(units_hw)] = (255, 255, 255)
        name_units(painted, units_hw, unit_words)
        classes = paint_labels(labels_hw, class_colors(words))
        rows.append([fit(picture.frame_bgr, PANEL_WH), painted, classes])
        notes.append(["", f"{len(np.unique(units_hw))} units", ""])
        maps.append(labels_hw)
    titles = ["image", "semantic units, with their best word", "classes read from the units"]
    panels = lay_out(rows, titles, notes, letters=LETTERS)
    return stack([panels, class_legend(words, maps, panels.shape[1], letters=LETTERS)])


def name_units(canvas: np.ndarray, units_hw: np.ndarray, words: Sequence[str]) -> None:
    """Write each large unit's word (``words``, by slot) into its widest place, the largest units
    first; what would cover another name is left out.
    """
    slots, sizes = np.unique(units_hw, return_counts=True)
    taken: list[Box] = []
    for index in np.argsort(-sizes, kind="stable"):
        if sizes[index] < NAMED_SHARE * units_hw.size:
            break
        word = words[int(slots[index])]
        x, y = widest_place(units_hw == slots[index])
        width, height = text_width(word, 16), 18
        left = min(max(2, x - width // 2), canvas.shape[1] - width - 2)
        top = min(max(2, y - height // 2), canvas.shape[0] - height - 2)
        box = (left, top, left + width, top + height)
        if not any(_overlap(box, other) for other in taken):
            draw_outlined(canvas, word, (left, top), 16)
            taken.append(box)


def widest_place(mask_hw: np.ndarray) -> tuple[int, int]:
    """X and y of the pixel that lies deepest inside a bool mask (h, w)."""
    padded = np.pad(mask_hw.astype(np.uint8), 1)  # the picture's rim is a border too
    depth_hw = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth_hw.argmax()), depth_hw.shape)
    return int(x), int(y)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
