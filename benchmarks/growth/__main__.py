"""``python -m benchmarks.growth``: from the flags to a table, a record, a page and a picture."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.growth.page import format_page
from benchmarks.growth.point import measure_here, measure_in_process
from benchmarks.growth.record import HEAD, describe_sweep, find_steep, table_rows
from benchmarks.growth.runtime_sweeps import RUNTIME_SWEEPS
from benchmarks.growth.sweep import Sweep
from benchmarks.growth.training_sweeps import TRAINING_SWEEPS
from benchmarks.growth.vocabulary_sweeps import VOCABULARY_SWEEPS
from benchmarks.record.files import check_writable, write_json, write_text
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.record.table import format_table
from runtime.command import CommandParser
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.growth"
SWEEPS: Mapping[str, Sweep] = {
    sweep.name: sweep for sweep in (*RUNTIME_SWEEPS, *VOCABULARY_SWEEPS, *TRAINING_SWEEPS)
}


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how processor time and memory grow with images, words, pixels, "
        "streams and shards; fails where something grows faster than --most says.",
        epilog=f"examples:\n  {PROG} --json growth.json --page growth.md --figure growth.png\n"
        f"  {PROG} --only unit-words,pixel-words",
    )
    add = parser.add_argument
    add("--only", default=",".join(SWEEPS), help=f"some of {','.join(SWEEPS)} (all)")
    add("--quick", action="store_true", help="two small sizes of each, to see that it runs")
    add("--jobs", type=whole_number(1), default=1, help="sweeps at a time (1)")
    add(
        "--most", type=number(0), default=1.15, metavar="E",
        help="the largest exponent, of the upper half of the sizes, that passes (1.15)",
    )  # fmt: skip
    add("--json", type=Path, help="write the figures to this file")
    add("--page", type=Path, metavar="FILE.md", help="write them as a page of Markdown")
    add("--figure", type=Path, metavar="FILE.png", help="draw them into this file")
    add("--one", help=argparse.SUPPRESS)
    add("--folder", type=Path, help=argparse.SUPPRESS)
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout, write the record, the page and the picture.

    Raises:
        UserError: wrong arguments.
        MgcaError: a size failed, or something grows too fast; all is written before.
    """
    if arguments.one is not None:
        name, _, sizes = arguments.one.partition(":")
        chosen = [int(size) for size in sizes.split(",")]
        print(json.dumps(measure_here(SWEEPS[name], chosen, arguments.folder)))
        return
    names = choose_names(arguments.only, tuple(SWEEPS), "--only")
    if arguments.figure is not None and find_spec("matplotlib") is None:
        raise UserError("--figure needs matplotlib, which is not installed; pip install matplotlib")
    for path, flag in ((arguments.json, "--json"), (arguments.page, "--page")):
        check_writable(path, flag)
    check_writable(arguments.figure, "--figure")
    sweeps = run_sweeps(
        [SWEEPS[name] for name in names], quick=arguments.quick, jobs=arguments.jobs
    )
    record = {
        "sweeps": sweeps,
        "most": arguments.most,
        "steep": find_steep(sweeps, arguments.most),
        "measured": date.today().isoformat(),
        **describe_measurement(arguments),
    }
    print(format_table(HEAD, table_rows(sweeps)))
    write_all(arguments, record)
    if record["steep"]:
        raise MgcaError(f"steeper than {arguments.most}: {'; '.join(record['steep'])}")


def run_sweeps(sweeps: Sequence[Sweep], *, quick: bool, jobs: int) -> dict[str, Any]:
    """Run every size of every sweep in a process of its own; what they found, by name."""

    def run(sweep: Sweep) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            sizes = sweep.quick if quick else sweep.sizes
            return describe_sweep(sweep, measure_in_process(sweep, sizes, Path(folder)))

    with ThreadPoolExecutor(jobs) as pool:
        found = pool.map(run, sweeps)
        shown = tqdm(
            found, desc="growth", unit="sweep", total=len(sweeps), leave=False, disable=None
        )
        return {sweep.name: one for sweep, one in zip(sweeps, shown, strict=True)}


def write_all(arguments: argparse.Namespace, record: dict[str, Any]) -> None:
    """The files that were asked for."""
    if arguments.json is not None:
        write_json(arguments.json, record)
    if arguments.page is not None:
        write_text(arguments.page, format_page(record), "--page")
    if arguments.figure is not None:
        from benchmarks.figures.png import write_png
        from benchmarks.growth.picture import draw_growth

        write_png(arguments.figure, draw_growth(record["sweeps"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
