"""Pictures of an evaluation: its confusion matrix, and the frames that went worst.

matplotlib is imported where something is drawn: figures alone do not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.record.drawing import check_sheet
from benchmarks.record.files import check_writable
from benchmarks.scoring.score import Kind, Predictor, Score

EACH = 8
_PANEL_WH = (260, 200)


def check_drawing(path: Path | None, flag: str) -> None:
    """Refuse a picture that could not be drawn or written; None is none.

    Raises:
        UserError: no matplotlib, no such place; for the sheet a place inside a repository too,
            where other people's photographs must not get.
    """
    if path is None:
        return
    check_writable(path, flag)
    check_sheet(path, flag, photographs=flag == "--sheet")


def choose_worst(mious: np.ndarray, each: int = EACH) -> list[int]:
    """Numbers of the frames with the lowest mean IoU, worst first; frames without truth are none.

    >>> choose_worst(np.array([0.5, np.nan, 0.1, 0.9]), each=2)
    [2, 0]
    """
    order = np.argsort(mious, kind="stable")  # NaN comes last
    return [int(number) for number in order[:each] if not np.isnan(mious[number])]


def draw_worst(
    path: Path, predict: Predictor, dataset: EvaluationSet, scores: dict[Kind, Score]
) -> None:
    """A contact sheet: a row for each of the worst frames by the first kind.

    Args:
        path: of the PNG file.
        predict: labels the frames again.
        dataset: that was scored.
        scores: of it.

    Raises:
        UserError: it cannot be written.
    """
    from benchmarks.figures.colors import class_colors
    from benchmarks.figures.legend import present_classes
    from benchmarks.figures.png import write_png
    from benchmarks.figures.sheet import Sheet

    kinds = tuple(scores)
    mious = {kind: score.frame_mious for kind, score in scores.items()}
    chosen = choose_worst(mious[kinds[0]])
    table = np.zeros((256, 3), np.uint8)  # without truth: black
    table[: len(dataset.words)] = class_colors(dataset.words)
    sheet = Sheet(max(1, len(chosen)), ("frame", "truth", *kinds), _PANEL_WH)
    seen = []
    for row, number in enumerate(chosen):
        frame = frame_of(dataset, number)
        labels = predict(frame.frame_bgr, kinds)
        truth_hw = dataset.truth_of(frame)
        seen += [truth_hw, *labels.values()]
        sheet.show(row, 0, frame.frame_bgr[:, :, ::-1], frame.name)
        sheet.show(row, 1, table[truth_hw], flat=True)
        for column, kind in enumerate(kinds, start=2):
            note = f"mIoU {100 * mious[kind][number]:.1f}"
            sheet.show(row, column, table[labels[kind]], note, flat=True)
    sheet.add_legend(present_classes(dataset.words, seen))
    write_png(path, sheet.figure, None)


def frame_of(dataset: EvaluationSet, number: int) -> EvaluationFrame:
    """The frame of a number, from 0."""
    return next(islice(dataset.open_at(number), 1))


def draw_confusions(path: Path, scores: dict[Kind, Score]) -> None:
    """The confusion matrix of each kind: where the pixels of each true class went.

    Rows are the classes in the truth, and sum to 1; columns those and all that were predicted.

    Args:
        path: of the PNG file.
        scores: by kind.

    Raises:
        UserError: it cannot be written.
    """
    from matplotlib.figure import Figure

    from benchmarks.figures.png import write_png

    total = sum(score.confusion for score in scores.values())
    assert isinstance(total, np.ndarray), "there is at least one kind"
    rows = np.flatnonzero(total.sum(axis=1))
    columns = np.union1d(rows, np.flatnonzero(total.sum(axis=0)))
    names = [*next(iter(scores.values())).words, "none"]
    side = max(4.0, 0.16 * len(columns))
    size = (len(scores) * (side + 1.5), side * max(1, len(rows)) / max(1, len(columns)) + 2)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    for axes, (kind, score) in zip(
        figure.subplots(1, len(scores), squeeze=False)[0], scores.items(), strict=True
    ):
        shares = _shares(score.confusion[np.ix_(rows, columns)], score.confusion[rows].sum(axis=1))
        image = axes.imshow(shares, vmin=0, vmax=1, cmap="magma", interpolation="nearest")
        axes.set_title(f"{kind}: mIoU {100 * score.miou:.1f} %", fontsize=11)
        _name_ticks(axes.xaxis, [names[k] for k in columns], rotation=90)
        _name_ticks(axes.yaxis, [names[k] for k in rows], rotation=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("truth")
        figure.colorbar(image, ax=axes, shrink=0.6, label="share of the class's pixels")
    write_png(path, figure, None)


def _shares(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    return np.asarray(counts / np.maximum(totals, 1)[:, None])


def _name_ticks(axis: object, names: Sequence[str], rotation: int) -> None:
    axis.set_ticks(range(len(names)), names, rotation=rotation, fontsize=7)  # type: ignore[attr-defined]
