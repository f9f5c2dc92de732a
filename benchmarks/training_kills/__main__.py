"""``python -m benchmarks.training_kills``: does a training outlive ``kill -9`` at any moment?

A small training of both phases runs once without a break. Then it is killed at a random moment of
each phase, goes on with ``--resume latest`` each time, and is held against the unbroken one: the
samples of every step of every attempt, every loss and evaluation, and the weights in the end.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.training_kills.history import Difference, compare
from benchmarks.training_kills.trainee import read_notes
from benchmarks.training_kills.trial import (
    NAME,
    PHASES,
    Trial,
    draw_moment,
    phase_at,
    run_trial,
    run_whole,
    time_parts,
)
from runtime.command import CommandParser
from runtime.errors import MgcaError
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.training_kills"
#: The recipe smoke, made small enough to be run a hundred times.
SETTINGS = (
    "pretrain.batch=4", "mgca.batch=4", "pretrain.warmup=1", "data.size_wh=[64,48]",
    "data.workers=0", "evaluation.size_wh=[64,48]", "evaluation.scenes=1", "evaluation.every=4",
    "units.seeds=16", "checkpoint_every=2", "threads=1", "device=cpu", f"name={NAME}",
)  # fmt: skip
#: Trainings for each kill that is asked for, at most.
MOST_TRIALS = 3

__all__ = ["main"]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Kill trainings at random moments of each phase, and let them go on.",
        epilog=f"example:\n  {PROG} --kills 20 --seed 0 --json kills.json",
    )
    add = parser.add_argument
    add("--kills", type=whole_number(1), default=20, help="of each phase, 20")
    add("--seed", type=whole_number(0), default=0, help="of the moments, 0")
    add("--steps", type=whole_number(1), default=8, help="of each phase, 8")
    add("--limit-s", type=number(1), default=600.0, help="seconds for an attempt, 600")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def settings_of(steps: int) -> list[str]:
    """What the training is told."""
    lengths = [f"{phase}.steps={steps}" for phase in PHASES]
    return [
        "--config",
        "smoke",
        *(word for one in (*SETTINGS, *lengths) for word in ("--set", one)),
    ]


def kill_all(arguments: argparse.Namespace) -> list[tuple[Trial, Difference]]:
    """Every trial, and how it differs from the unbroken run."""
    rng = random.Random(arguments.seed)
    settings = settings_of(arguments.steps)
    found: list[tuple[Trial, Difference]] = []
    with tempfile.TemporaryDirectory() as name:
        whole, notes = run_whole(Path(name) / "whole", settings, arguments.limit_s)
        parts = time_parts(notes)
        while len(found) < MOST_TRIALS * arguments.kills:
            moments = [draw_moment(parts, phase, rng) for phase in PHASES]
            folder = Path(name) / f"trial{len(found)}"
            trial = run_trial(folder, settings, moments, arguments.limit_s)
            found.append((trial, compare(whole, trial.history)))
            parts |= time_parts(read_notes(folder))  # the machine may be faster now
            shutil.rmtree(folder)
            trial.history.weights.clear()
            if min(count_kills(found).values()) >= arguments.kills:
                break
    return found


def count_kills(found: Sequence[tuple[Trial, Difference]]) -> dict[str, int]:
    """Kills that met a training, by phase."""
    met = Counter(phase_at(phase) for trial, _ in found for phase, _ in trial.killed_at)
    return {phase: met[phase] for phase in PHASES}


def count(found: Sequence[tuple[Trial, Difference]]) -> dict[str, Any]:
    """The trials in figures."""
    trials = [trial for trial, _ in found]
    differences = [difference for _, difference in found]
    met = Counter(f"{phase} {step}" for trial in trials for phase, step in trial.killed_at)
    return {
        "trainings": len(trials),
        "kills": count_kills(found),
        "missed": sum(trial.missed for trial in trials),
        "begun_anew": sum(trial.begun_anew for trial in trials),
        "steps_taken": sum(trial.history.attempts for trial in trials),
        "killed_at": dict(sorted(met.items())),
        "other_samples": sum(one.other_samples for one in differences),
        "missing_steps": sum(one.missing for one in differences),
        "other_figures": sum(one.other_figures for one in differences),
        "largest_figure_difference": max(one.figure for one in differences),
        "largest_weight_difference": max(one.weight for one in differences),
        "faults": [fault for trial in trials for fault in trial.faults],
        "broken": sum(bool(trial.faults) or not one.is_none for trial, one in found),
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as a table."""
    names = {
        "trainings": "trainings",
        "missed": "kills that came after a training's end",
        "begun_anew": "that came before there was a checkpoint",
        "steps_taken": "steps taken, again ones included",
        "other_samples": "that read other samples",
        "missing_steps": "steps that were left out",
        "other_figures": "losses and evaluations that differ",
        "largest_figure_difference": "the largest difference of one",
        "largest_weight_difference": "the largest difference of a weight",
        "broken": "trainings that did not become the unbroken one",
    }
    rows: list[list[object]] = [
        [f"kills -9 in {phase}", times] for phase, times in record["kills"].items()
    ]
    rows += [[text, record[name]] for name, text in names.items()]
    told = [f"{phase}: {times}" for phase, times in record["killed_at"].items()]
    last = f"killed in phase and step: {', '.join(told)}"
    return "\n\n".join([format_table(["", "count"], rows), last, *record["faults"]])


def measure(arguments: argparse.Namespace) -> None:
    """Kill, print, write the record; raises for a broken promise."""
    check_writable(arguments.json)
    counted = count(kill_all(arguments))
    record = {
        "seed": arguments.seed,
        "steps": arguments.steps,
        **counted,
        **describe_measurement(arguments, "torch"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)
    if counted["broken"]:
        raise MgcaError(
            f"{counted['broken']} of {counted['trainings']} trainings did not become what the "
            "unbroken one is; see above"
        )
    if min(counted["kills"].values()) < arguments.kills:
        raise MgcaError(f"only {counted['kills']} kills met a training; try on a steadier machine")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
