"""``python -m benchmarks.training_speed``: is training bounded by arithmetic, or by overhead?

Samples a second of the step of both phases, beside the machine's own matrix-multiply rate measured
in the same process; the rate at which one worker makes data; and the same steps with freed memory
kept (training.engine.allocator) and given back to the system, in processes of their own that take
turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.training_speed.summary import Measurement, format_summary, summarise
from runtime.command import CommandParser
from runtime.errors import MgcaError, UserError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.training_speed"
WORKER = "benchmarks.training_speed.worker"
SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how fast both phases of training run on this machine's processor.",
        epilog=f"example:\n  {PROG} --rounds 5 --json benchmarks/results/training_speed.json",
    )
    parser.add_argument("--config", default="demo", help="a preset or a JSON file (demo)")
    parser.add_argument(
        "--steps", type=whole_number(1), default=20, help="timed steps a phase (20)"
    )
    parser.add_argument("--warmup", type=whole_number(1), default=3, help="steps before those (3)")
    parser.add_argument("--rounds", type=whole_number(1), default=5, help="pairs of processes (5)")
    parser.add_argument(
        "--threads", type=whole_number(1), help="of torch (default: its own choice)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def measure_round(options: argparse.Namespace, index: int, bar: Any) -> tuple[Measurement, ...]:
    """One process with memory kept and one with it given back; who comes first takes turns."""
    order = ("kept", "given-back") if index % 2 == 0 else ("given-back", "kept")
    found = {}
    for memory in order:
        found[memory] = start_worker(options, memory)
        bar.update()
    return found["kept"], found["given-back"]


def start_worker(options: argparse.Namespace, memory: str) -> Measurement:
    """Run one measurement in a process without memory settings of its own."""
    command = [sys.executable, "-m", WORKER, "--memory", memory, "--config", options.config]
    command += ["--steps", str(options.steps), "--warmup", str(options.warmup)]
    if options.threads:
        command += ["--threads", str(options.threads)]
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=Path.cwd(), check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MgcaError(
            f"the measurement failed: {last.partition('error: ')[2] or last}", done.returncode
        )
    measurement: Measurement = json.loads(done.stdout.splitlines()[-1])
    return measurement


def measure(options: argparse.Namespace) -> None:
    """Measure all rounds, print the tables, write the JSON."""
    check_writable(options.json)
    if importlib.util.find_spec("torch") is None:
        raise UserError("PyTorch is missing; install the train extra: pip install -e '.[train]'")
    started = time.perf_counter()
    with tqdm(total=2 * options.rounds, desc="processes", leave=False, disable=None) as bar:
        rounds = [measure_round(options, index, bar) for index in range(options.rounds)]
    record = summarise([(kept, returned) for kept, returned in rounds])
    record |= {
        "config": options.config,
        "steps": options.steps,
        "rounds": options.rounds,
        "memory_setting_works_here": all(kept["thresholds_raised"] for kept, _ in rounds),
        "measurements": [one for pair in rounds for one in pair],
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(options, "torch"),
    }
    print(format_summary(record))
    if options.json:
        write_json(options.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
