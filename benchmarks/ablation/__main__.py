"""``python -m benchmarks.ablation``: trains and scores every row, prints and keeps the tables.

Ends early and starts again where it stopped: what is done lies in ``--work``.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ablation.folder import SHIPPED, digest_file, fingerprint_code
from benchmarks.ablation.rows import NAMES, choose_rows
from benchmarks.datasets.camvid import find_camvid
from benchmarks.record.files import check_writable, write_json, write_text
from benchmarks.record.measurement import run_measurement
from benchmarks.record.names import choose_names
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import size_wh, whole_number

if TYPE_CHECKING:
    from benchmarks.ablation.plan import Plan

PROG = "python -m benchmarks.ablation"
EXAMPLES = f"""examples:
  {PROG}                                              the whole table, a night of two cores
  {PROG} --seeds 2 --steps 60 --scenes 24 --jobs 2    a first look
  {PROG} --checkpoint runs/demo/last.pt --camvid --json benchmarks/results/ablation.json \\
      --markdown benchmarks/results/ablation.md
  {PROG} --rows baseline,object,region --set losses.region_weight=1
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what each grain and each prediction unit is worth on one CLIP.",
        epilog=EXAMPLES,
    )
    _add_training_flags(parser.add_argument)
    _add_scoring_flags(parser.add_argument)
    _add_output_flags(parser.add_argument)
    return parser


def _add_training_flags(add: Callable[..., object]) -> None:
    add("--checkpoint", type=Path, default=SHIPPED, help="whose CLIP is used; else the shipped one")
    add("--rows", default=",".join(NAMES), metavar="A,B", help=f"of {', '.join(NAMES)}")
    add("--seeds", type=whole_number(1), default=5, help="seeds 0 .. N-1 of each trained row, 5")
    add("--steps", type=whole_number(1), default=300, help="training steps, 300")
    add("--batch", type=whole_number(1), default=32, help="images a step, 32")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change the checkpoint's configuration in all rows, e.g. --set mgca.captions=2",
    )


def _add_scoring_flags(add: Callable[..., object]) -> None:
    add("--scenes", type=whole_number(1), default=100, help="reported StreetWorld scenes, 100")
    add(
        "--tuning-scenes",
        type=whole_number(1),
        default=30,
        help="others, to choose settings on, 30",
    )
    add("--scene-seed", type=whole_number(0), default=2, help="which scenes; the next seed's tune")
    add("--size", type=size_wh(16), default=(320, 240), help="of the scenes, 320x240")
    add("--input-size", type=size_wh(16), help="of the encoder's input; else as in an export")
    add("--camvid", action="store_true", help="CamVid too: tuned on frames 1-50, scored on 51-101")
    add("--root", type=Path, help="CamVid's folder (else $CAMVID_ROOT)")
    add(
        "--camvid-every", type=whole_number(1), default=5, help="tune on each N-th of its frames, 5"
    )


def _add_output_flags(add: Callable[..., object]) -> None:
    add("--jobs", type=whole_number(1), default=1, help="processes that share rows and seeds, 1")
    add("--threads", type=whole_number(1), help="torch threads of each; else torch's / jobs")
    add("--work", type=Path, default=Path("runs/ablation"), help="keeps what is done")
    add("--json", type=Path, help="write the figures to this file")
    add("--markdown", type=Path, help="write the tables to this file")


def make_plan(arguments: argparse.Namespace) -> Plan:
    """The plan that the flags describe; its input size may be the checkpoint's own."""
    from benchmarks.ablation.plan import Plan
    from training.engine.checkpoint import load_checkpoint

    if not arguments.checkpoint.is_file():
        raise UserError(
            f"--checkpoint {arguments.checkpoint} does not exist; expected a run's last.pt"
        )
    input_wh = arguments.input_size or load_checkpoint(arguments.checkpoint).config.export_size_wh
    return Plan(
        checkpoint=arguments.checkpoint,
        digest=digest_file(arguments.checkpoint),
        changes=tuple(arguments.changes),
        steps=arguments.steps,
        batch=arguments.batch,
        work=arguments.work,
        scene_seed=arguments.scene_seed,
        scenes=arguments.scenes,
        tuning_scenes=arguments.tuning_scenes,
        scene_size_wh=arguments.size,
        input_size_wh=input_wh,
        camvid=find_camvid(arguments.root) if arguments.camvid else None,
        camvid_every=arguments.camvid_every,
        workers=1 if arguments.jobs == 1 else 0,
        code=fingerprint_code(),
    )


def measure(arguments: argparse.Namespace) -> None:
    """Do what is missing, then write every table."""
    logging.getLogger().setLevel(logging.ERROR)  # of models without weights, of which many are made
    names = choose_names(arguments.rows, NAMES, "--rows")
    check_writable(arguments.json)
    check_writable(arguments.markdown, "--markdown")
    try:
        from benchmarks.ablation.bench import Bench
        from benchmarks.ablation.record import make_record
        from benchmarks.ablation.schedule import list_tasks, run_tasks
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is missing; training needs pip install -e '.[train]'"
        ) from None
    from benchmarks.ablation.markdown import write_page

    started = time.perf_counter()
    check_writable(arguments.work / "any", "--work")
    bench = Bench(make_plan(arguments))
    rows = choose_rows(names, bench.losses)
    tasks = list_tasks(rows, arguments.seeds)
    run_tasks(bench, tasks, arguments.jobs, arguments.threads)
    record = make_record(arguments, bench, tasks)
    record["seconds"] = round(time.perf_counter() - started, 1)
    page = write_page(record)
    print(page, end="")
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.markdown:
        write_text(arguments.markdown, page, "--markdown")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    interrupted = "interrupted; the same command goes on where this one stopped"
    return run_measurement(build_parser(), measure, argv, interrupted=interrupted)


if __name__ == "__main__":
    sys.exit(main())
