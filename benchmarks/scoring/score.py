"""Runs a predictor over an evaluation set and counts what it gets right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from tqdm import tqdm

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.bootstrap import bootstrap_miou, interval95, margins_of, mean_ious_of
from runtime.confusion_matrix import mean_iou, named_ious

#: What labels are read from: adaptive units, pixels, or pixels refined by colors.
Kind = Literal["adaptive", "pixel", "pamr"]


class Predictor(Protocol):
    """Labels of a frame for each kind of unit."""

    def __call__(self, frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        """Predict a frame.

        Args:
            frame_bgr: uint8 (h, w, 3).
            units: kinds that are wanted.

        Returns:
            For each kind uint8 (h, w): positions in the words that were asked for, 255 for none.
        """
        ...


class LatePredictor:
    """A predictor in two halves, so that the second can be run beside the next frame's first.

    Args:
        begin: gets a frame and the kinds that are wanted and runs the graph; what it gives makes
            labels of the scores, in any thread.
    """

    def __init__(
        self,
        begin: Callable[[np.ndarray, Sequence[Kind]], Callable[[], dict[Kind, np.ndarray]]],
    ) -> None:
        self.begin = begin

    def __call__(self, frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        """As :class:`Predictor` says."""
        return self.begin(frame_bgr, units)()


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

    @property
    def frame_mious(self) -> np.ndarray:
        """Each frame's own mean IoU, float64 (frames,); NaN where a frame has no truth."""
        return mean_ious_of(self.margins)

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


def compare_units(scores: dict[Kind, Score]) -> dict[str, float | list[float]]:
    """How far adaptive units are ahead of pixels in mIoU, with its paired 95 % interval."""
    pair = {
        "adaptive": scores["adaptive"].margins,
        "pixel": scores["pixel"].margins,
    }
    resampled = bootstrap_miou(pair)
    return {
        "miou_gain": scores["adaptive"].miou - scores["pixel"].miou,
        "miou_gain_ci95": list(interval95(resampled["adaptive"] - resampled["pixel"])),
    }


def each_frame(
    dataset: EvaluationSet,
    progress: bool,
    first: int = 0,
    through: Callable[[Iterator[EvaluationFrame]], Iterator[EvaluationFrame]] = iter,
) -> Iterator[EvaluationFrame]:
    """The frames of a set, under a progress bar on a terminal where one is wanted.

    Args:
        dataset: the set.
        progress: whether a bar is wanted.
        first: number of the first frame, from 0.
        through: what they pass on their way.
    """
    yield from tqdm(
        through(dataset.open_at(first)),
        initial=first,
        total=dataset.count,
        desc=dataset.name,
        unit="frame",
        leave=False,
        # None: shown on a terminal only
        disable=None if progress else True,
    )
