"""The best and the worst photographs on one sheet: the picture, its truth, the labels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.datasets.folder import NONE, PhotoFolder
from benchmarks.photos.labellers import PhotoLabeller
from benchmarks.photos.questions import ask
from benchmarks.photos.scores import Tally

EACH = 6  # of the best, and of the worst
_PANEL_WH = (260, 200)
_LETTERS = 26  # as wide as a panel
_BEHIND = (225, 225, 225)


def choose_extremes(ious: dict[int, float], each: int = EACH) -> list[int]:
    """The best photographs, best first, then the worst, worst last; none twice.

    >>> choose_extremes({4: 0.5, 7: 0.1, 9: 0.9}, each=1)
    [9, 7]
    """
    ranked = sorted(ious, key=lambda number: -ious[number])
    return ranked if len(ranked) <= 2 * each else ranked[:each] + ranked[-each:]


def draw_sheet(path: Path, folder: PhotoFolder, labeller: PhotoLabeller, tally: Tally) -> None:
    """Draw the extremes of one figure and write them as a PNG file.

    Args:
        path: of the file.
        folder: photographs and names.
        labeller: labels the chosen photographs again.
        tally: of the figure that chooses, whose question is asked: the folder's hardest with
            background, ``present+background``.

    Raises:
        UserError: the file cannot be written.
    """
    from benchmarks.figures.colors import class_colors
    from benchmarks.figures.png import write_png
    from benchmarks.figures.sheet import Sheet

    kinds = tuple(tally.confusions)
    ious = {kind: tally.ious_of_photographs(kind) for kind in kinds}
    chosen = choose_extremes(ious[kinds[0]])
    colors = class_colors(tally.value_names)
    colors[NONE] = _BEHIND
    sheet = Sheet(len(chosen), ("photograph", "truth", *kinds), _PANEL_WH)
    for row, number in enumerate(chosen):
        photograph = folder.photographs[number]
        frame_bgr, labels_hw = photograph.read()
        question = next(iter(ask(folder, photograph, labels_hw)))
        (answer,) = labeller.answer(frame_bgr, [question])
        sheet.show(row, 0, frame_bgr[:, :, ::-1], photograph.image.stem)
        painted = _paint(labels_hw, colors)
        words = textwrap.shorten(", ".join(photograph.present), _LETTERS, placeholder=" ...")
        sheet.show(row, 1, painted, words, flat=True)
        for column, kind in enumerate(kinds, start=2):
            note = f"mIoU {100 * ious[kind][number]:.1f}"
            sheet.show(row, column, _paint(answer[kind], colors), note, flat=True)
    write_png(path, sheet.figure, None)


def _paint(values_hw: np.ndarray, colors: Sequence[tuple[int, int, int]]) -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)  # 255, no truth: black
    table[: len(colors)] = colors
    return table[values_hw]
