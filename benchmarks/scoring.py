"""Runs a segmenter over an evaluation set and counts; the controls stand here too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from benchmarks.datasets import EvaluationFrame, EvaluationSet
from benchmarks.metrics import (
    IGNORE,
    bootstrap_miou,
    boundary_f_score,
    count_confusions,
    interval95,
    mean_iou,
    named_ious,
)
from runtime.segment.segmenter import Units

CONTROLS = ("mean-map", "permuted-words")


class Predictor(Protocol):
    """Labels of a frame, uint8 (h, w) in the order of the words, for each kind of unit."""

    def __call__(self, frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
        """Predict ``frame_bgr`` (uint8, BGR)."""
        ...


@dataclass(frozen=True)
class Score:
    """Counts of each frame, int64 (frames, classes, classes + 1), and their boundary F-scores."""

    words: tuple[str, ...]
    confusions: np.ndarray
    boundary_f: np.ndarray

    @property
    def miou(self) -> float:
        """Mean IoU over all frames' summed counts, a fraction."""
        return mean_iou(self.confusions.sum(axis=0))

    def to_record(self) -> dict[str, Any]:
        """The figures as JSON-ready values, fractions all."""
        total = self.confusions.sum(axis=0)
        interval = interval95(bootstrap_miou({"": self.confusions})[""])
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
    """Score every frame of ``dataset``, once for each kind of unit."""
    classes = len(dataset.words)
    counts: dict[Units, list[np.ndarray]] = {kind: [] for kind in units}
    edges: dict[Units, list[float]] = {kind: [] for kind in units}
    for frame in watch(dataset, progress):
        for kind, labels_hw in predict(frame.frame_bgr, units).items():
            counts[kind].append(count_confusions(frame.labels_hw, labels_hw, classes))
            truth = np.where(frame.labels_hw < classes, frame.labels_hw, np.uint8(IGNORE))
            edges[kind].append(boundary_f_score(truth, labels_hw))
    return {
        kind: Score(dataset.words, np.stack(counts[kind]), np.array(edges[kind])) for kind in units
    }


def compare_units(scores: dict[Units, Score]) -> dict[str, float | list[float]]:
    """How far adaptive units are ahead of pixels in mIoU, with its paired 95 % interval."""
    pair = {kind: scores[kind].confusions for kind in ("adaptive", "pixel")}
    resampled = bootstrap_miou(pair)
    return {
        "miou_gain": scores["adaptive"].miou - scores["pixel"].miou,
        "miou_gain_ci95": list(interval95(resampled["adaptive"] - resampled["pixel"])),
    }


def mean_map_predictor(
    predict: Predictor, dataset: EvaluationSet, units: Sequence[Units], *, progress: bool = False
) -> Predictor:
    """A control that does not look: every frame gets the model's most frequent label of each place.

    What this scores comes from position alone, so it is what seeing the frame must beat.
    """
    votes: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}
    for frame in watch(dataset, progress):
        for kind, labels_hw in predict(frame.frame_bgr, units).items():
            key = (kind, labels_hw.shape)
            if key not in votes:
                votes[key] = np.zeros((len(dataset.words), labels_hw.size), np.int32)
            flat = labels_hw.ravel()
            pixels = np.flatnonzero(flat < len(dataset.words))
            votes[key][flat[pixels], pixels] += 1
    maps = {
        key: count.argmax(axis=0).astype(np.uint8).reshape(key[1]) for key, count in votes.items()
    }

    def predict_mean(frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
        return {kind: maps[kind, frame_bgr.shape[:2]] for kind in units}

    return predict_mean


def permute_words(words: Sequence[str], seed: int) -> tuple[str, ...]:
    """A control that cannot know: the words in another order, none of them in its own place."""
    order = np.random.default_rng(seed).permutation(len(words))
    shifted = np.empty_like(order)
    shifted[order] = np.roll(order, 1)  # one cycle through all the words
    return tuple(words[i] for i in shifted)


def watch(dataset: EvaluationSet, progress: bool) -> Iterator[EvaluationFrame]:
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
