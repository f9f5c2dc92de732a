"""Figure "grid": pictures by what has been learned, from CLIP's dense features to the truth."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures.canvas import fit, lay_out, stack
from benchmarks.figures.colors import class_colors, paint_labels
from benchmarks.figures.legend import class_legend
from benchmarks.figures.model_view import CheckpointView, Sight, Way
from benchmarks.figures.pictures import Picture

PANEL_WH = (256, 192)
LETTERS = 24


@dataclass(frozen=True)
class Stage:
    """A column: its title, the model, and how pixels are read."""

    title: str
    view: CheckpointView
    way: Way


def parse_stage(text: str) -> tuple[str, Path]:
    """``+object=runs/object/last.pt`` -> ("+object", its path)."""
    name, separator, path = text.partition("=")
    if not separator or not name.strip() or not path.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a stage; expected NAME=CHECKPOINT, e.g. +object=runs/object/last.pt"
        )
    return name.strip(), Path(path.strip())


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


def draw_grid(stages: Sequence[Stage], pictures: Sequence[Picture]) -> np.ndarray:
    """A row for each picture; under each panel the share of its pixels that are right."""
    words = pictures[0].words
    colors = class_colors(words)
    texts = {id(stage.view): stage.view.embed(words) for stage in stages}
    rows, notes, maps = [], [], []
    for picture in pictures:
        size_wh = (picture.truth_hw.shape[1], picture.truth_hw.shape[0])
        sights: dict[int, Sight] = {}
        row, note = [fit(picture.frame_bgr, PANEL_WH)], [""]
        for stage in stages:
            key = id(stage.view)
            if key not in sights:
                sights[key] = stage.view.see(picture.frame_bgr)
            labels_hw = sights[key].labels(texts[key], stage.way, size_wh)
            row.append(fit(paint_labels(labels_hw, colors), PANEL_WH, flat=True))
            note.append(f"{right_share(picture.truth_hw, labels_hw, len(words)):.0%} right")
            maps.append(labels_hw)
        row.append(fit(paint_labels(picture.truth_hw, colors), PANEL_WH, flat=True))
        maps.append(picture.truth_hw)
        rows.append(row)
        notes.append([*note, ""])
    titles = ["image", *(stage.title for stage in stages), "truth"]
    panels = lay_out(rows, titles, notes, letters=LETTERS)
    return stack([panels, class_legend(words, maps, panels.shape[1], letters=LETTERS)])


def right_share(truth_hw: np.ndarray, labels_hw: np.ndarray, classes: int) -> float:
    """Share of the pixels with a true class that have it; 0 where none has one."""
    known = truth_hw < classes
    return float((labels_hw[known] == truth_hw[known]).mean()) if known.any() else 0.0
