"""One measurement in a process of its own, as JSON on stdout: memory settings cannot be undone.

Started by ``python -m benchmarks.training_speed``, which says what it takes.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.training_speed.matrix_rate import PRECISIONS, measure_matrix_rate
from runtime.command import CommandParser, run_command

PROG = "python -m benchmarks.training_speed.worker"


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Matrix rates before and after, and between them both phases; ready for JSON."""
    from training.engine.allocator import keep_freed_memory

    kept = keep_freed_memory() if options.memory == "kept" else False
    import torch

    from benchmarks.training_speed.step import TimedRun
    from training.config.values import apply_override
    from training.engine.distributed import Processes
    from training.engine.precision import precision_on
    from training.recipes.registry import find_config

    config = apply_override(find_config(options.config), "data.workers=0")
    if options.threads:
        torch.set_num_threads(options.threads)
    seconds = options.matrix_seconds / 2
    rates = {name: measure_matrix_rate(name, seconds) for name in PRECISIONS}
    with tempfile.TemporaryDirectory() as folder, Processes("cpu") as processes:
        run = TimedRun(config, Path(folder), processes, None)
        run.steps, run.warmup = options.steps, options.warmup
        phases = run.measure_phases()
    for name in PRECISIONS:
        rates[name] = max(rates[name], measure_matrix_rate(name, seconds))
    return {
        "memory": options.memory,
        "thresholds_raised": kept,
        "precision": precision_on(run.device, config.precision),
        "threads": torch.get_num_threads(),
        "matrix_gflop_s": rates,
        "phases": phases,
    }


def run(arguments: Sequence[str]) -> None:
    """Parse, measure, print."""
    parser = CommandParser(prog=PROG, description="One measurement; a part of training_speed.")
    parser.add_argument("--memory", choices=("kept", "given-back"), required=True)
    parser.add_argument("--config", default="demo")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--matrix-seconds", type=float, default=2.0)
    options = parser.parse_args(arguments)
    # open_clip warns on the root logger of the random weights that are asked for.
    logging.getLogger().setLevel(logging.ERROR)
    print(json.dumps(measure(options)))


if __name__ == "__main__":
    sys.exit(run_command(PROG, run))
