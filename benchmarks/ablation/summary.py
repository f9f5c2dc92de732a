"""From the records of all (row, seed) pairs to figures: spreads, paired differences, controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.ablation.pairing import Spread, exceeds_spread, pair
from benchmarks.ablation.rows import BASELINE, Row, full_row
from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.scoring.controls import mean_map_predictor
from benchmarks.scoring.score import Kind
from benchmarks.scoring.segments import compare_with_complexity
from benchmarks.scoring.tally import score_set

Records = Mapping[str, Sequence[dict[str, Any]]]  # by row, one record a seed

KINDS = ("pixel", "groups", "adaptive")
COMPARED = ("miou", "boundary_f")
FIGURES = (
    *COMPARED,
    "miou_permuted_words",
    "units",
    "unit_under_segmentation",
    "unit_over_segmentation",
    "label_under_segmentation",
    "label_over_segmentation",
)


def summarise_dataset(rows: tuple[Row, ...], records: Records) -> dict[str, Any]:
    """Every figure of one dataset's table."""
    present = tuple(row for row in rows if records.get(row.name))
    return {
        "rows": {row.name: summarise_row(records[row.name]) for row in present},
        "differences": compare_rows(present, records),
        "units_against_each_other": {
            row.name: compare_kinds(records[row.name]) for row in present
        },
        "active_units": {row.name: _active_units(records[row.name]) for row in present},
        "sensitivity": next(
            (
                {"row": row.name, "adaptive": record["sensitivity"]}
                for row in present
                for record in records[row.name]
                if "sensitivity" in record
            ),
            None,
        ),
        "tuning": {row.name: [record["tuning"] for record in records[row.name]] for row in present},
    }  # fmt: skip


def summarise_row(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Spread over the seeds of each figure, the settings chosen, the mean IoU of each class."""
    row: dict[str, Any] = {}
    for kind in KINDS:
        units = [record["units"][kind] for record in records]
        names = units[0]["iou"]
        row[kind] = {
            **{name: _spread(records, kind, name).to_record() for name in FIGURES},
            "iou": {name: float(np.mean([unit["iou"][name] for unit in units])) for name in names},
            "settings": [unit["setting"] for unit in units],
        }
    return row


def compare_rows(rows: tuple[Row, ...], records: Records) -> list[dict[str, Any]]:
    """Paired differences: each row with the one before it, and the whole method with its rivals."""
    names = {row.name for row in rows}
    pairs = [(row.name, row.before) for row in rows if row.before in names]
    full = full_row(rows)
    if full is not None:
        rivals = [BASELINE, *(row.name for row in rows if row.before == BASELINE)]
        pairs += [
            (full.name, rival) for rival in rivals
            if rival in names and rival != full.name and (full.name, rival) not in pairs
        ]  # fmt: skip
    return [
        {"row": after, "before": before}
        | {
            kind: {
                name: _difference(
                    _values(records[after], kind, name), _values(records[before], kind, name)
                )
                for name in COMPARED
            }
            for kind in KINDS
        }
        for after, before in pairs
        if before is not None
    ]


def compare_kinds(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How far a row's adaptive units are ahead of its pixels and of its groups, in pairs."""
    return {
        rival: {
            name: _difference(_values(records, "adaptive", name), _values(records, rival, name))
            for name in COMPARED
        }
        for rival in ("pixel", "groups")
    }


def summarise_training(records: Records) -> dict[str, Any]:
    """Each term's gradient norm at the decoder by step, averaged over seeds; seconds a trial."""
    summary = {}
    for row, trials in records.items():
        moments = [trial["gradient_norms"] for trial in trials]
        summary[row] = {
            "gradient_norms": [
                {name: float(np.mean([norms[name] for norms in same])) for name in same[0]}
                for same in zip(*moments, strict=True)
            ],
            "seconds": [trial["seconds"] for trial in trials],
            "cpu_seconds": [trial["cpu_seconds"] for trial in trials],
        }
    return summary


def label_map_control(tuning: EvaluationSet, reported: EvaluationSet) -> float:
    """MIoU on ``reported`` of the most frequent true label of each place in ``tuning``.

    A control that never looks at a frame: what knowing where things usually are is worth.
    """
    kinds: tuple[Kind, ...] = ("pixel",)
    truth = {frame.frame_bgr.tobytes(): frame.labels_hw for frame in tuning.open()}

    def tell_truth(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        return {kind: truth[frame_bgr.tobytes()] for kind in units}

    control = mean_map_predictor(tell_truth, tuning, kinds)
    return score_set(control, reported, kinds)["pixel"].miou


def _active_units(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean over the seeds of how the units in use follow the scene."""
    by_seed = [
        compare_with_complexity(
            np.array(record["units"]["adaptive"]["units_by_frame"]),
            np.array(record["units"]["adaptive"]["complexity_by_frame"]),
        )
        for record in records
    ]
    return {name: float(np.mean([found[name] for found in by_seed])) for name in by_seed[0]}


def _values(records: Sequence[dict[str, Any]], kind: str, name: str) -> list[float]:
    return [record["units"][kind][name] for record in records]


def _spread(records: Sequence[dict[str, Any]], kind: str, name: str) -> Spread:
    return Spread.of(_values(records, kind, name))


def _difference(after: Sequence[float], before: Sequence[float]) -> dict[str, Any]:
    found = pair(after, before)
    return found.to_record() | {"exceeds_its_std": exceeds_spread(found)}
