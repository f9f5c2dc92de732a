"""What a training did, attempt after attempt, and how it differs from one without a break."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.training_kills.trainee import read_notes
from training.engine.checkpoint import load_checkpoint

Step = tuple[str, int]
#: Measurements of the machine, not of the training.
_OF_THE_CLOCK = ("images_s",)

__all__ = ["Difference", "History", "compare", "read_history"]


@dataclass
class History:
    """A training to its end, however many attempts it took.

    Attributes:
        samples: keys of the batches that were read at each step, a list an attempt.
        figures: losses of each step and evaluations, by phase and step, a list an attempt.
        weights: of the model in the end.
    """

    samples: dict[Step, list[tuple[str, ...]]] = field(default_factory=dict)
    figures: dict[Step, list[dict[str, Any]]] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """Steps that were taken, those that were taken again included."""
        return sum(map(len, self.samples.values()))


@dataclass(frozen=True)
class Difference:
    """How a training differs from an unbroken one.

    Attributes:
        other_samples: steps that read other samples, or in another order.
        missing: steps that were never taken.
        other_figures: losses and evaluations that differ at all.
        figure: the largest difference of one.
        weight: the largest difference of a weight.
    """

    other_samples: int
    missing: int
    other_figures: int
    figure: float
    weight: float

    @property
    def is_none(self) -> bool:
        """Whether there is none at all."""
        return not (self.other_samples or self.missing or self.other_figures or self.weight)


def read_history(folder: Path, name: str) -> History:
    """Read what the trainings below a folder left; what is not there is empty."""
    history = History()
    for note in read_notes(folder):
        if note.step:
            history.samples.setdefault((note.phase, note.step), []).append(note.samples)
    run = folder / name
    if (run / "metrics.jsonl").exists():
        for line in (run / "metrics.jsonl").read_text().splitlines():
            record = json.loads(line)
            if "data" not in record:
                figures = {k: v for k, v in record.items() if k not in _OF_THE_CLOCK}
                history.figures.setdefault((record["phase"], record["step"]), []).append(figures)
    if (run / "last.pt").exists():
        history.weights = load_checkpoint(run / "last.pt").model.state_dict()
    return history


def compare(whole: History, broken: History) -> Difference:
    """Hold every attempt of a training against the one without a break."""
    steps = whole.samples.keys() | broken.samples.keys()
    others = [
        step
        for step in steps
        if any(keys != whole.samples.get(step, [()])[0] for keys in broken.samples.get(step, []))
    ]
    missing = [step for step in steps if step not in broken.samples]
    distances = [
        _distance(figures, whole.figures.get(step, []))
        for step, several in broken.figures.items()
        for figures in several
    ]
    missing += [step for step in whole.figures if step not in broken.figures]
    return Difference(
        other_samples=len(others),
        missing=len(missing),
        other_figures=sum(distance > 0 for distance in distances),
        figure=max(distances, default=0.0),
        weight=_weight_distance(whole.weights, broken.weights),
    )


def _distance(figures: dict[str, Any], candidates: list[dict[str, Any]]) -> float:
    """To the record of the same kind (losses, or the evaluation of that name)."""
    for one in candidates:
        if one.keys() == figures.keys() and one.get("evaluation") == figures.get("evaluation"):
            pairs = zip(_numbers(figures), _numbers(one), strict=True)
            return max((abs(a - b) for a, b in pairs), default=0.0)
    return float("inf")


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in _numbers(value[key])]
    return [float(value)] if isinstance(value, int | float) else []


def _weight_distance(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    if first.keys() != second.keys():
        return float("inf")
    return max(
        (float((first[name].float() - second[name].float()).abs().max()) for name in first),
        default=0.0,
    )
