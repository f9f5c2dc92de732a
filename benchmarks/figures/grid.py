"""Figure "grid": pictures by what has been learned, from CLIP's dense features to the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from benchmarks.figures.colors import class_colors, paint_labels
from benchmarks.figures.legend import present_classes
from benchmarks.figures.model_view import CheckpointView, Sight, Way
from benchmarks.figures.pictures import Picture
from benchmarks.figures.sheet import Sheet

PANEL_WH = (256, 192)


@dataclass(frozen=True)
class Stage:
    """A column.

    Attributes:
        title: over it.
        view: of the model.
        way: how pixels are read.
    """

    title: str
    view: CheckpointView
    way: Way


def plan_stages(
    view: CheckpointView, named: Sequence[tuple[str, Path]], size_wh: tuple[int, int] | None
) -> list[Stage]:
    """The columns: CLIP's own features, each named checkpoint per pixel, and the last one's units.

    Without named ones the decoder of ``view`` stands for all. The baseline is read from the first
    checkpoint: stages are trained on one frozen CLIP.
    """
    stages = [Stage(name, CheckpointView(path, size_wh), "pixel") for name, path in named]
    if not stages:
        stages = [Stage("decoder, per pixel", view, "pixel")]
    first, last = stages[0].view, stages[-1].view
    return [Stage("baseline", first, "baseline"), *stages, Stage("+units", last, "units")]


def draw_grid(stages: Sequence[Stage], pictures: Sequence[Picture]) -> Figure:
    """A row for each picture; under each panel the share of its pixels that are right."""
    words = pictures[0].words
    colors = class_colors(words)
    texts = {id(stage.view): stage.view.embed(words) for stage in stages}
    titles = ["image", *(stage.title for stage in stages), "truth"]
    sheet = Sheet(len(pictures), titles, PANEL_WH)
    maps = []
    for row, picture in enumerate(pictures):
        sheet.show(row, 0, cv2.cvtColor(picture.frame_bgr, cv2.COLOR_BGR2RGB))
        for column, labels_hw in enumerate(_read_stages(stages, texts, picture), 1):
            right = right_share(picture.truth_hw, labels_hw, len(words))
            sheet.show(
                row, column, paint_labels(labels_hw, colors), f"{right:.0%} right", flat=True
            )
            maps.append(labels_hw)
        sheet.show(row, len(titles) - 1, paint_labels(picture.truth_hw, colors), flat=True)
        maps.append(picture.truth_hw)
    sheet.add_legend(present_classes(words, maps))
    return sheet.figure


def _read_stages(
    stages: Sequence[Stage], texts: dict[int, np.ndarray], picture: Picture
) -> list[np.ndarray]:
    """Each stage's labels of a picture, uint8 (h, w); every model looks at it once."""
    size_wh = (picture.truth_hw.shape[1], picture.truth_hw.shape[0])
    sights: dict[int, Sight] = {}
    labels = []
    for stage in stages:
        key = id(stage.view)
        if key not in sights:
            sights[key] = stage.view.see(picture.frame_bgr)
        labels.append(sights[key].labels(texts[key], stage.way, size_wh))
    return labels


def right_share(truth_hw: np.ndarray, labels_hw: np.ndarray, classes: int) -> float:
    """Share of the pixels with a true class that have it; 0 where none has one."""
    known = truth_hw < classes
    return float((labels_hw[known] == truth_hw[known]).mean()) if known.any() else 0.0
