"""``python -m benchmarks.ablation.photographs``: trains and scores every row with every seed.

What is done lies in ``--work`` and is not done again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from benchmarks.ablation.photographs.rows import GRAINS, NAMES, ROWS, SIZES, Row
from benchmarks.ablation.photographs.scoring import Scorer, check_sets
from benchmarks.ablation.photographs.study import Study
from benchmarks.ablation.photographs.tables import format_record, make_record
from benchmarks.ablation.photographs.trial import Trial, count_pairs
from benchmarks.datasets.camvid import USUAL_PLACE as CAMVID
from benchmarks.datasets.folder import USUAL_PLACE as PHOTOGRAPHS
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.retrieval.captions import USUAL_PLACE as CAPTIONS
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import whole_number
from training.engine.checkpoint import load_checkpoint

PROG = "python -m benchmarks.ablation.photographs"
EXAMPLES = f"""examples:
  {PROG} --work runs/photo-ablation --json photo_ablation.json
  {PROG} --work runs/photo-sizes --rows recipe-1000,recipe-2000,recipe-4000,recipe \\
      --seeds 1 --figure sizes.png
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what each grain is worth on photographs, and each further pair.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("--rows", default=",".join(row.name for row in GRAINS), help=f"of {', '.join(NAMES)}")
    add("--seeds", type=whole_number(1), default=3, help="seeds 0 .. N-1 of each row, 3")
    add("--steps", type=whole_number(1), default=250, help="training steps, 250")
    add("--batch", type=whole_number(2), default=32, help="photographs a step, 32")
    add("--captions", type=Path, default=CAPTIONS, help=f"a table with splits ({CAPTIONS})")
    add("--photographs", type=Path, default=PHOTOGRAPHS, help=f"with masks ({PHOTOGRAPHS})")
    add("--camvid", type=Path, default=CAMVID, help=f"the clip; left out if absent ({CAMVID})")
    add("--work", type=Path, default=Path("runs/photo-ablation"), help="kept here")
    add("--train-only", action="store_true", help="leave scoring for another call")
    add("--json", type=Path, help="write the figures to this file")
    add("--figure", type=Path, metavar="FILE.png", help="draw the recipe's rows by their sizes")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Do what is left to do, print tables on stdout and write the JSON record."""
    check_writable(arguments.json)
    check_writable(arguments.figure, "--figure")
    chosen = choose_names(arguments.rows, NAMES, "--rows")
    rows = [row for row in ROWS if row.name in chosen]
    if arguments.figure is not None:
        _check_figure(rows)
    study = _open_study(arguments)
    started = time.perf_counter()
    # Seed by seed: what is broken off has whole pairs.
    trials = {
        (row.name, seed): Trial(study, row, seed) for seed in range(arguments.seeds) for row in rows
    }
    for (name, seed), trial in tqdm(trials.items(), desc="train", disable=None):
        print(f"train {name}, seed {seed}", file=sys.stderr)
        trial.train()
    if arguments.train_only:
        return
    first = next(iter(trials.values()))
    scorer = Scorer(load_checkpoint(first.checkpoint).model, study, first.config.export_size_wh)
    scored = {
        key: trial.score(scorer.score)
        for key, trial in tqdm(trials.items(), desc="score", disable=None)
    }
    found = {row.name: [scored[row.name, seed] for seed in range(arguments.seeds)] for row in rows}
    record = {
        **make_record(rows, found, count_pairs(study.captions)),
        "settings": {
            "steps": arguments.steps,
            "batch": arguments.batch,
            "seeds": arguments.seeds,
            "camvid": study.camvid is not None,
        },
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments, "torch", "timm"),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.figure is not None:
        from benchmarks.ablation.photographs.picture import draw_sizes
        from benchmarks.figures.png import write_png

        write_png(arguments.figure, draw_sizes(record))


def _open_study(arguments: argparse.Namespace) -> Study:
    """What all trials share, looked at before hours of training; raises ``UserError``."""
    for path, flag in (
        (arguments.captions, "--captions"),
        (arguments.photographs, "--photographs"),
    ):
        if not path.exists():
            raise UserError(f"{flag} {path} is not there; docs/measure.md says what it holds")
    study = Study(
        captions=arguments.captions.resolve(),
        photographs=arguments.photographs.resolve(),
        camvid=arguments.camvid.resolve() if arguments.camvid.is_dir() else None,
        work=arguments.work.resolve(),
        steps=arguments.steps,
        batch=arguments.batch,
    )
    if not arguments.train_only:
        check_sets(study)
    try:
        study.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"--work {arguments.work} cannot be written ({error.strerror}); give another place"
        ) from None
    return study


def _check_figure(rows: Sequence[Row]) -> None:
    """Say before the work, not after it, what the figure lacks; raises ``UserError``."""
    if sum(row in SIZES for row in rows) < 2:
        names = ", ".join(row.name for row in SIZES)
        raise UserError(f"--figure draws rows of several sizes; give --rows two or more of {names}")
    if find_spec("matplotlib") is None:
        raise UserError("--figure needs matplotlib, which is not installed; pip install matplotlib")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
