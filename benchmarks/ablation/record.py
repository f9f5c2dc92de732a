"""Everything that is kept of an ablation: the figures, and how they came about."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.ablation.bench import Bench
from benchmarks.ablation.folder import SHIPPED
from benchmarks.ablation.plan import TUNED_FRAMES
from benchmarks.ablation.prediction import GRIDS
from benchmarks.ablation.rows import describe_terms
from benchmarks.ablation.schedule import Task, read_results
from benchmarks.ablation.summary import label_map_control, summarise_dataset, summarise_training
from benchmarks.datasets.camvid import camvid_set
from benchmarks.record.measurement import describe_measurement


def make_record(
    arguments: argparse.Namespace, bench: Bench, tasks: Sequence[Task]
) -> dict[str, Any]:
    """Everything that is kept: the figures, and how they came about."""
    found = read_results(bench, tasks)
    plan = bench.plan
    rows = tuple(dict.fromkeys(task.row for task in tasks))
    sets = {dataset: plan.open_sets(dataset) for dataset in plan.datasets}
    controls: dict[str, dict[str, float]] = {name: {} for name in plan.datasets}
    if plan.camvid:
        # of all its frames, however thinned out the settings' choice is
        whole = camvid_set(plan.camvid, TUNED_FRAMES)
        found_there = label_map_control(whole, sets["camvid"][1])
        controls["camvid"]["usual true label of each place"] = found_there
    return {
        "titles": {row.name: row.title for row in rows},
        "terms": {row.name: describe_terms(row, bench.losses) for row in rows},
        "datasets": {name: summarise_dataset(rows, found[name]) for name in plan.datasets},
        "controls": controls,
        "training": summarise_training(found["training"]),
        "grids": GRIDS,
        "settings": describe_settings(arguments, bench)
        | {name: {"tuning": a.settings, "reported": b.settings} for name, (a, b) in sets.items()},
        **describe_measurement(arguments, "torch", "open_clip_torch"),
        "code": tell_other_code(found, plan.code),
    }


def describe_settings(arguments: argparse.Namespace, bench: Bench) -> dict[str, Any]:
    """What was the same for all rows."""
    plan, config = bench.plan, bench.config
    return {
        "checkpoint": str(
            arguments.checkpoint if arguments.checkpoint != SHIPPED else "shipped demo"
        ),
        "checkpoint_sha256": plan.digest,
        "changes": list(plan.changes),
        "clip": bench.pretraining,
        "seeds": arguments.seeds,
        "steps": plan.steps,
        "batch": plan.batch,
        "captions": config.mgca.captions,
        "learning_rate": config.mgca.learning_rate,
        "losses": dataclasses.asdict(config.losses),
        "units": dataclasses.asdict(config.units),
        "train_size_wh": config.data.size_wh,
        "input_size_wh": plan.input_size_wh,
        "precision": config.precision,
        "jobs": arguments.jobs,
        "upsampling": "bilinear, of class scores, to source resolution",
    }


def tell_other_code(
    found: dict[str, dict[str, list[dict[str, Any]]]], present: str
) -> dict[str, int]:
    """Results by the code that made them; warns where that is not the present code."""
    counts: dict[str, int] = {}
    for by_row in found.values():
        for records in by_row.values():
            for record in records:
                counts[record["code"]] = counts.get(record["code"], 0) + 1
    others = sum(count for code, count in counts.items() if code != present)
    if others:
        print(
            f"benchmarks.ablation: {others} of {sum(counts.values())} kept results were made by "
            "other code; an empty --work makes all again",
            file=sys.stderr,
        )
    return counts
