"""Counts over photographs, and the figures that come of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.datasets.folder import PhotoFolder
from benchmarks.photos.labellers import PhotoLabeller
from benchmarks.photos.questions import FIGURES, Question, ask, count_blind
from benchmarks.scoring.bootstrap import bootstrap_means, interval95
from benchmarks.scoring.boundary import boundary_f_score
from benchmarks.scoring.score import Score, compare_units
from runtime.confusion_matrix import IGNORE, count_confusions, mean_iou


@dataclass
class Tally:
    """What was counted for one figure.

    Attributes:
        value_names: of the folder's label values.
        photographs: those that could answer, by their place in the folder.
        blind: float64 (values, values + 1), summed: what answering without looking gets.
        confusions: by kind a matrix for each photograph, int64 (values, values + 1).
        boundary_f: by kind a fraction for each photograph whose truth has a boundary.
    """

    value_names: tuple[str, ...]
    photographs: list[int] = field(default_factory=list)
    blind: np.ndarray | float = 0.0
    confusions: dict[str, list[np.ndarray]] = field(default_factory=dict)
    boundary_f: dict[str, list[float]] = field(default_factory=dict)

    def add(self, number: int, question: Question, answers: Mapping[str, np.ndarray]) -> None:
        """Count the answers to a question that the photograph ``number`` was asked."""
        values, truth_hw = len(self.value_names), question.truth_hw
        bounded = _has_boundary(truth_hw)
        self.photographs.append(number)
        self.blind = self.blind + count_blind(question, values)
        for kind, values_hw in answers.items():
            confusion = count_confusions(truth_hw, values_hw, values)
            self.confusions.setdefault(kind, []).append(confusion)
            edges = self.boundary_f.setdefault(kind, [])
            if bounded:
                edges.append(boundary_f_score(truth_hw, values_hw))

    def scores(self) -> dict[str, Score]:
        """A score by kind."""
        return {
            kind: Score.of(self.value_names, stack, self.boundary_f[kind])
            for kind, stack in self.confusions.items()
        }

    def ious_of_photographs(self, kind: str) -> dict[int, float]:
        """Each photograph's own mIoU by its place in the folder."""
        ious = map(mean_iou, self.confusions[kind])
        return dict(zip(self.photographs, ious, strict=True))

    def to_record(self) -> dict[str, Any]:
        """The figures as JSON-ready values, fractions all."""
        scores = self.scores()
        blind = np.asarray(self.blind)
        record: dict[str, Any] = {
            "photographs": len(self.photographs),
            "photographs_with_boundary": len(next(iter(self.boundary_f.values()))),
            "by_units": {kind: score.to_record() for kind, score in scores.items()},
            "random_word": {
                "miou": mean_iou(blind),
                "pixel_accuracy": float(np.trace(blind) / blind.sum()),
            },
        }
        if {"adaptive", "pixel"} <= set(scores):
            pair = {kind: scores[kind] for kind in ("adaptive", "pixel")}
            record |= compare_units(pair)  # type: ignore[arg-type]
            record |= compare_boundaries(pair)
        return record


def compare_boundaries(pair: Mapping[str, Score]) -> dict[str, Any]:
    """How many times the boundary F of pixels adaptive units have, with its paired interval."""
    means = {kind: bootstrap_means(score.boundary_f) for kind, score in pair.items()}
    if not len(means["pixel"]) or not means["pixel"].all():
        return {"boundary_f_ratio": float("nan"), "boundary_f_ratio_ci95": None}
    ratio = pair["adaptive"].boundary_f.mean() / pair["pixel"].boundary_f.mean()
    return {
        "boundary_f_ratio": float(ratio),
        "boundary_f_ratio_ci95": list(interval95(means["adaptive"] / means["pixel"])),
    }


def score_photographs(
    folder: PhotoFolder, labeller: PhotoLabeller, *, progress: bool = False
) -> dict[str, Tally]:
    """Ask every photograph and count.

    Args:
        folder: photographs and names.
        labeller: what is scored.
        progress: show a bar on a terminal.

    Returns:
        A tally by figure; figures that no photograph can answer are left out.

    Raises:
        runtime.errors.UserError: a file that cannot be read.
    """
    tallies = {figure: Tally(folder.value_names()) for figure in FIGURES}
    shown = tqdm(
        folder.photographs, desc="photographs", leave=False, disable=None if progress else True
    )
    for number, photograph in enumerate(shown):
        frame_bgr, labels_hw = photograph.read()
        questions = list(ask(folder, photograph, labels_hw))
        answers = labeller.answer(frame_bgr, questions)
        for question, answer in zip(questions, answers, strict=True):
            tallies[question.figure].add(number, question, answer)
    return {figure: tally for figure, tally in tallies.items() if tally.photographs}


def _has_boundary(truth_hw: np.ndarray) -> bool:
    """Whether two values of the truth lie side by side (255 is none)."""
    for one, other in ((truth_hw[:, :-1], truth_hw[:, 1:]), (truth_hw[:-1], truth_hw[1:])):
        if ((one != other) & (one != IGNORE) & (other != IGNORE)).any():
            return True
    return False
