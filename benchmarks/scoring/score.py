"""Runs a predictor over an evaluation set and counts what it gets right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.bootstrap import bootstrap_miou, interval95, margins_of
from benchmarks.scoring.boundary import boundary_f_score
from runtime.confusion_matrix import count_confusions, mean_iou, named_ious
from runtime.segment.segmenter import Units


class Predictor(Protocol):
    """Labels of a frame for each kind of unit."""

    def __call__(self, frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
        """Predict a frame.

        Args:
            frame_bgr: uint8 (h, w, 3).
            units: kinds that are wanted.

        Returns:
            For each kind uint8 (h, w): positions in the words that were asked for, 255 for none.
        """
        ...


@dataclass(frozen=True)
class Score:
    """The counts of a set's frames.

    Attributes:
        words: of the classes, in order.
        confusion: int64 (classes, classes + 1), all frames', see :mod:`runtime.confusion_matrix`.
        margins: int64 (frames, 3, classes), see :func:`benchmarks.scoring.bootstrap.margins_of`.
        boundary_f: float64 (frames,), F-score of the boundaries, a fraction.
    """

    words: tuple[str, ...]
    confusion: np.ndarray
    margins: np.ndarray
    boundary_f: np.ndarray

    @classmethod
    def of(
        cls, words: tuple[str, ...], confusions: Iterable[np.ndarray], boundary_f: Iterable[float]
    ) -> Score:
        """The score of frames with these matrices, of which none is kept; at least one."""
        total, margins = np.zeros((len(words), len(words) + 1), np.int64), []
        for confusion in confusions:
            total += confusion
            margins.append(margins_of(confusion))
        return cls(words, total, np.stack(margins), np.array(list(boundary_f)))

    @property
    def miou(self) -> float:
        """Mean IoU over all frames' summed counts, a fraction."""
        return mean_iou(self.confusion)

    def to_record(self) -> dict[str, Any]:
        """The figures as JSON-ready values, fractions all."""
        total = self.confusion
        interval = interval95(bootstrap_miou({"": self.margins})[""])
        return {
            "miou": self.miou,
            "miou_ci95": list(interval),
            "iou": named_ious(total, self.words),
            "pixel_accuracy": float(np.trace(total) / max(1, total.sum())),
            "boundary_f": float(self.boundary_f.mean()) if len(self.boundary_f) else float("nan"),
        }


def score_set(
    predict: Predictor, dataset: EvaluationSet, units: Sequence[Units], *, progress: bool = False
) -> dict[Units, Score]:
    """Score every frame of a set.

    Args:
        predict: what is scored.
        dataset: frames with their truth.
        units: kinds of unit, each scored on its own.
        progress: show a bar on a terminal.

    Returns:
        A score for each kind of unit.
    """
    classes = len(dataset.words)
    totals = {kind: np.zeros((classes, classes + 1), np.int64) for kind in units}
    margins: dict[Units, list[np.ndarray]] = {kind: [] for kind in units}
    edges: dict[Units, list[float]] = {kind: [] for kind in units}
    for frame in each_frame(dataset, progress):
        for kind, labels_hw in predict(frame.frame_bgr, units).items():
            confusion = count_confusions(frame.labels_hw, labels_hw, classes)
            totals[kind] += confusion
            margins[kind].append(margins_of(confusion))
            edges[kind].append(boundary_f_score(dataset.truth_of(frame), labels_hw))
    return {
        kind: Score(dataset.words, totals[kind], np.stack(margins[kind]), np.array(edges[kind]))
        for kind in units
    }


def compare_units(scores: dict[Units, Score]) -> dict[str, float | list[float]]:
    """How far adaptive units are ahead of pixels in mIoU, with its paired 95 % interval."""
    pair = {kind: scores[kind].margins for kind in ("adaptive", "pixel")}
    resampled = bootstrap_miou(pair)
    return {
        "miou_gain": scores["adaptive"].miou - scores["pixel"].miou,
        "miou_gain_ci95": list(interval95(resampled["adaptive"] - resampled["pixel"])),
    }


def each_frame(dataset: EvaluationSet, progress: bool) -> Iterator[EvaluationFrame]:
    """The frames of a set, under a progress bar on a terminal where one is wanted."""
    yield from tqdm(
        dataset.open(),
        total=dataset.count,
        desc=dataset.name,
        unit="frame",
        leave=False,
        # None: shown on a terminal only
        disable=None if progress else True,
    )
