"""A strip of consecutive frames: the picture, its labels by itself, and its smoothed labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.figure import Figure

from benchmarks.figures.colors import class_colors, paint_labels
from benchmarks.figures.legend import present_classes
from benchmarks.figures.sheet import Sheet

PANEL_WH = (240, 180)
NOTES = ("", "by itself", "smoothed")

__all__ = ["LabelledFrame", "draw_strip"]


@dataclass(frozen=True)
class LabelledFrame:
    """A frame, BGR uint8 (h, w, 3), with its labels uint8 (h, w), off and on."""

    index: int
    frame_bgr: np.ndarray
    by_itself_hw: np.ndarray
    smoothed_hw: np.ndarray


def draw_strip(frames: Sequence[LabelledFrame], words: Sequence[str]) -> Figure:
    """A column for each frame; below labels, the share that is not what it was a frame before."""
    sheet = Sheet(3, [f"frame {frame.index}" for frame in frames], PANEL_WH)
    colors = class_colors(words)
    for column, frame in enumerate(frames):
        sheet.show(0, column, cv2.cvtColor(frame.frame_bgr, cv2.COLOR_BGR2RGB))
        for row, name in ((1, "by_itself_hw"), (2, "smoothed_hw")):
            labels_hw = getattr(frame, name)
            note = NOTES[row]
            if column:
                changed = (labels_hw != getattr(frames[column - 1], name)).mean()
                note += f", {100 * changed:.1f} % changed"
            sheet.show(row, column, paint_labels(labels_hw, colors), note, flat=True)
    maps = [labels for one in frames for labels in (one.by_itself_hw, one.smoothed_hw)]
    sheet.add_legend(present_classes(words, maps))
    return sheet.figure
