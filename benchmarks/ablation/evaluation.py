"""Choosing each unit's setting on the tuning frames, and scoring it on others.

Labels everywhere: scores on the decoder's grid, enlarged bilinearly to source resolution, the best
class of each pixel; the same for all three units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from torch import Tensor
from tqdm import tqdm

from benchmarks.ablation.frames import Embed, SeenFrame
from benchmarks.ablation.prediction import (
    GRIDS,
    KINDS,
    VARIATIONS,
    Prediction,
    Setting,
    View,
    predict,
)
from benchmarks.scoring.boundary import boundary_f_score
from benchmarks.scoring.segments import (
    connected_segments,
    over_segmentation,
    scene_complexity,
    under_segmentation,
)
from runtime.confusion_matrix import count_confusions, mean_iou, named_ious
from training.engine.evaluation import label_scores
from training.model.unit_space import UnitSpace
from training.model.units import UnitSettings


@dataclass(frozen=True)
class Subject:
    """What is scored: embeddings, words, and how the checkpoint would gather units.

    Attributes:
        embed: embeddings of a frame.
        words: in the order of the truth's labels.
        text_kd: their embeddings.
        permuted: for each word, the index of the word asked for in its stead (a control).
        units: settings that a grid changes in part.
        space: where pixels gather into units and groups; None: among the embeddings as they are.
    """

    embed: Embed
    words: tuple[str, ...]
    text_kd: Tensor
    permuted: tuple[int, ...]
    units: UnitSettings
    space: UnitSpace | None = None

    def views(self, frames: Iterable[SeenFrame], title: str) -> Iterator[tuple[SeenFrame, View]]:
        """Each frame with what predictions are made of, under a progress bar."""
        for frame in tqdm(frames, title, leave=False, disable=None):
            yield (
                frame,
                View(self.embed(frame), frame.colors_3hw, self.text_kd, self.units, self.space),
            )


def tune(subject: Subject, frames: Sequence[SeenFrame]) -> dict[str, list[dict[str, Any]]]:
    """Score every setting of every unit: ``{"pixel": [{"setting": ..., "miou": ...}, ...]}``."""
    return {
        kind: [
            {"setting": setting, "miou": miou}
            for setting, miou in zip(GRIDS[kind], scores, strict=True)
        ]
        for kind, scores in _score_settings(subject, frames, GRIDS).items()
    }


def best_settings(tuning: dict[str, list[dict[str, Any]]]) -> dict[str, Setting]:
    """The setting with the highest mIoU for each unit, the first one of several."""
    return {
        kind: max(tried, key=lambda entry: entry["miou"])["setting"]
        for kind, tried in tuning.items()
    }


def vary_units(
    subject: Subject, frames: Sequence[SeenFrame], chosen: Setting
) -> list[dict[str, Any]]:
    """Sensitivity: mIoU with one setting of the adaptive units changed, the others as chosen."""
    settings = [{**chosen, **change} for change in VARIATIONS]
    scores = _score_settings(subject, frames, {"adaptive": settings})["adaptive"]
    return [
        {"setting": change, "miou": miou} for change, miou in zip(VARIATIONS, scores, strict=True)
    ]


def _score_settings(
    subject: Subject, frames: Sequence[SeenFrame], grids: dict[str, Any]
) -> dict[str, list[float]]:
    classes = len(subject.words)
    totals = {
        kind: np.zeros((len(grid), classes, classes + 1), np.int64) for kind, grid in grids.items()
    }
    for frame, view in subject.views(frames, "tune"):
        for kind, grid in grids.items():
            for index, setting in enumerate(grid):
                labels_hw = label_scores(
                    predict(kind, setting, view).scores_hwk, frame.truth_hw.shape
                )
                totals[kind][index] += count_confusions(frame.truth_hw, labels_hw, classes)
    return {kind: [mean_iou(matrix) for matrix in stack] for kind, stack in totals.items()}


def score(
    subject: Subject, frames: Sequence[SeenFrame], settings: dict[str, Setting]
) -> dict[str, dict[str, Any]]:
    """The figures of each unit with its chosen setting."""
    classes = len(subject.words)
    totals = {kind: np.zeros((classes, classes + 1), np.int64) for kind in KINDS}
    notes: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    complexity = []
    for frame, view in subject.views(frames, "score"):
        complexity.append(scene_complexity(frame.truth_hw))
        for kind in KINDS:
            made = predict(kind, settings[kind], view)
            labels_hw = label_scores(made.scores_hwk, frame.truth_hw.shape)
            totals[kind] += count_confusions(frame.truth_hw, labels_hw, classes)
            for name, value in measure_frame(frame.truth_hw, labels_hw, made).items():
                notes[kind].setdefault(name, []).append(value)
    # asked for by another word, a class gets the labels that were that word's own
    columns = [*subject.permuted, classes]
    return {
        kind: {
            "setting": settings[kind],
            "miou": mean_iou(totals[kind]),
            "iou": named_ious(totals[kind], subject.words),
            "miou_permuted_words": mean_iou(totals[kind][:, columns]),
            **{
                name: float(np.nanmean(values))
                for name, values in notes[kind].items()
            },
            "units_by_frame": notes[kind]["units"],
            "complexity_by_frame": complexity,
        }
        for kind in KINDS
    }  # fmt: skip


def measure_frame(
    truth_hw: np.ndarray, labels_hw: np.ndarray, made: Prediction
) -> dict[str, float]:
    """Figures of one frame that are averaged over frames.

    ``unit_*`` judge the units against the classes of the truth, ``label_*`` the connected pieces
    of equal label against the connected pieces of the truth.
    """
    size_wh = (truth_hw.shape[1], truth_hw.shape[0])
    unit_hw = cv2.resize(
        made.unit_hw.astype(np.float32), size_wh, interpolation=cv2.INTER_NEAREST
    ).astype(np.int64)
    pieces_hw, predicted_hw = connected_segments(truth_hw), connected_segments(labels_hw)
    return {
        "boundary_f": boundary_f_score(truth_hw, labels_hw),
        "units": float(len(np.unique(made.unit_hw))),
        "unit_under_segmentation": under_segmentation(truth_hw, unit_hw),
        "unit_over_segmentation": over_segmentation(truth_hw, unit_hw),
        "label_under_segmentation": under_segmentation(pieces_hw, predicted_hw),
        "label_over_segmentation": over_segmentation(pieces_hw, predicted_hw),
    }
