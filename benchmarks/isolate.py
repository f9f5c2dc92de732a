"""``python -m benchmarks.isolate``: what ``--isolate`` costs of a run's frame rate.

The demo clip goes through ``mgca-rt``'s own threads with a line of JSON for each frame, decoded in
the same process and in one of its own in turn, in an order drawn anew for each pair. The rate
counts from the first frame's capture to the last line; the other process's start is told apart.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.latency.machine import judge, read_state, warning_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.demo import demo_clip
from runtime.flag_values import whole_number
from runtime.sinks.jsonl import JsonLines
from runtime.sources import Source
from runtime.sources.isolated import IsolatedSource
from runtime.sources.plan import SourcePlan
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream

PROG = "python -m benchmarks.isolate"


@dataclass(frozen=True)
class Reading:
    """One run: seconds until the source was open, frames a second from then on."""

    open_s: float
    fps: float


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what decoding in a process of its own costs.",
        epilog=f"example:\n  {PROG} --pairs 9 --json isolate.json",
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--video", default=None, metavar="FILE", help="what is read (the demo clip)")
    add("--pairs", type=whole_number(1), default=9, help="runs with and without, 9 each")
    add("--max-frames", type=whole_number(1), default=None, help="of each run (all)")
    add("--classes", default="person,car", help="what is looked for")
    add("--seed", type=whole_number(0), default=0, help="of the order within a pair, 0")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def run_once(plan: SourcePlan, isolated: bool, segmenter: Segmenter, most: int | None) -> Reading:
    """One run of a stream, from its opening to its last line."""
    began = time.perf_counter()
    source: Source = IsolatedSource(plan) if isolated else plan.build()
    with tempfile.TemporaryDirectory() as folder:
        try:
            source.open()
            open_s = time.perf_counter() - began
            lines = JsonLines(str(Path(folder) / "frames.jsonl"))
            stream = Stream(source, segmenter, [lines], max_frames=most)
            Pipeline([stream]).run()
        finally:
            source.close()
    return Reading(open_s, stream.statistics.fps)


def run_pairs(plan: SourcePlan, segmenter: Segmenter, arguments: argparse.Namespace) -> list[Any]:
    """Pairs of runs, without and with; one of each before them warms up."""
    chance = random.Random(arguments.seed)
    pairs = []
    for _ in range(arguments.pairs + 1):
        order = [False, True]
        chance.shuffle(order)
        found = {
            isolated: run_once(plan, isolated, segmenter, arguments.max_frames)
            for isolated in order
        }
        pairs.append((found[False], found[True]))
    return pairs[1:]


def sum_up(pairs: Sequence[tuple[Reading, Reading]]) -> dict[str, Any]:
    """Medians, and the median and the range of the pairs' ratios."""
    ratios = [isolated.fps / plain.fps for plain, isolated in pairs]
    return {
        "fps": round(statistics.median(plain.fps for plain, _ in pairs), 3),
        "fps_isolated": round(statistics.median(isolated.fps for _, isolated in pairs), 3),
        "ratio": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "open_s": round(statistics.median(plain.open_s for plain, _ in pairs), 4),
        "open_isolated_s": round(statistics.median(one.open_s for _, one in pairs), 4),
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as a table, and the ratio."""
    rows = [
        ["in the run's process", record["fps"], 1e3 * record["open_s"]],
        ["in one of its own", record["fps_isolated"], 1e3 * record["open_isolated_s"]],
    ]
    ratios = record["ratios"]
    told = (
        f"--isolate runs at {100 * record['ratio']:.1f} % of the rate "
        f"(median of {len(ratios)} pairs, {100 * min(ratios):.1f} to {100 * max(ratios):.1f} %)"
    )
    return f"{format_table(['decoding', 'frames/s', 'open ms'], rows)}\n\n{told}"


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    plan = SourcePlan("video", {"name": arguments.video or str(demo_clip())})
    load_before = read_state().load_average
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    subject.segmenter.set_classes(arguments.classes)
    before = read_state()
    found = sum_up(run_pairs(plan, subject.segmenter, arguments))
    variation = statistics.pstdev(found["ratios"]) / found["ratio"]
    record = {
        **found,
        "bundle": subject.describe(),
        "machine": judge(load_before, before, read_state(), variation=variation),
        **describe_measurement(arguments, "av"),
    }
    print(format_record(record))
    warning = warning_of(record["machine"])
    if warning:
        print(f"{PROG}: {warning}", file=sys.stderr)
    if arguments.json is not None:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
