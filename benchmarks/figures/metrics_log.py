"""A run's ``metrics.jsonl`` read back: losses and mIoU of both phases, by step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from runtime.errors import UserError

PHASES = ("pretrain", "mgca")
Points = list[tuple[int, float]]  # (step, value), steps rising
_NOT_LOSSES = {"phase", "step", "evaluation", "accuracy", "gradient_norm", "images_s"}
_MIOU = {"miou_adaptive": "adaptive units", "miou_pixel": "per pixel"}


@dataclass(frozen=True)
class RunMetrics:
    """One run's curves.

    Attributes:
        name: of its folder.
        losses: by phase and term, weighted; ``loss`` is their sum.
        miou: by phase and unit (``adaptive units``, ``per pixel``), in percent.
    """

    name: str
    losses: dict[str, dict[str, Points]] = field(default_factory=dict)
    miou: dict[str, dict[str, Points]] = field(default_factory=dict)


def find_metrics(run: Path) -> Path:
    """A run's metrics by its folder, or the file itself."""
    path = run / "metrics.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise UserError(
            f"run '{run}' has no metrics.jsonl; expected a folder written by python -m training.run"
        )
    return path


def newest_run(runs: Path) -> Path | None:
    """The metrics below ``runs`` that were written last, None where there are none."""
    found = sorted(runs.glob("*/metrics.jsonl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def read_metrics(path: Path) -> RunMetrics:
    """Read a run's metrics; :class:`UserError` where they are none.

    A run that was resumed or started again appends to its file: what a later line overtakes is left
    out, and so is what is not finite. A last line that is still being written does not count.
    """
    metrics = RunMetrics(path.resolve().parent.name)
    figures = [record for record in _parse(path) if "data" not in record]
    for record in drop_overtaken(figures):
        phase, step = record["phase"], record["step"]
        if "evaluation" in record:
            for key, kind in _MIOU.items():
                if _is_finite(record.get(key)):
                    points = metrics.miou.setdefault(phase, {}).setdefault(kind, [])
                    points.append((step, 100 * float(record[key])))
            continue
        for term, value in record.items():
            if term not in _NOT_LOSSES and _is_finite(value):
                points = metrics.losses.setdefault(phase, {}).setdefault(term, [])
                points.append((step, float(value)))
    if not metrics.losses and not metrics.miou:
        raise UserError(f"'{path}' holds no metrics yet; wait for the run's first steps")
    return metrics


def drop_overtaken(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records in order of phase and step; where the file steps back, the later ones count."""
    kept: list[dict[str, Any]] = []
    for record in records:
        while kept and _place(kept[-1]) >= _place(record):
            kept.pop()
        kept.append(record)
    return kept


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _place(record: dict[str, Any]) -> tuple[int, int, bool]:
    # an evaluation follows the losses of its step
    return PHASES.index(record["phase"]), record["step"], "evaluation" in record


def _parse(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    records = []
    for number, line in enumerate(lines, 1):
        if number == len(lines):
            break  # what follows the last line break is nothing, or half a line
        try:
            record = json.loads(line)
            known = record["phase"] in PHASES and isinstance(record["step"], int)
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise UserError(
                f"line {number} of '{path}' is not a measurement; expected the metrics.jsonl of "
                "python -m training.run"
            )
        records.append(record)
    return records
