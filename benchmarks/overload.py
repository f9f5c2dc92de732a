"""``python -m benchmarks.overload``: does a camera that is too fast make pictures older and older?

A test pattern at 60 frames a second meets a model that is held to 10, in ``mgca-rt``'s own threads,
with a line of JSON for each frame as the output. Each frame is timed from its capture to the moment
its line is in the file. Where frames pile up, or memory does, later minutes are slower: the 99th
percentile of the last minute is compared with that of the second (the first warms up).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latency.machine import MachineState, judge, read_state, warning_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import number
from runtime.sinks.base import SegmentedFrame
from runtime.sinks.jsonl import JsonLines
from runtime.sources import PatternSource
from runtime.stream.pipeline import Pipeline
from runtime.stream.statistics import read_peak_rss_mib
from runtime.stream.stream import Stream

PROG = "python -m benchmarks.overload"
PERCENTILES = (50, 95, 99)
#: What is asked: the last minute's 99th percentile by the second minute's.
MOST_GROWTH = 1.2


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure whether latency stays flat while a camera is faster than the model.",
        epilog=f"example:\n  {PROG} --minutes 10 --json overload.json",
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--minutes", type=number(0.01, 10_000), default=10.0, help="how long, 10")
    add("--camera", default="640x480@60", metavar="WxH@FPS", help="the pattern, 640x480@60")
    add(
        "--model-fps",
        type=number(0.1, 1000),
        default=10.0,
        help="what the model is held to by waiting in each inference, 10",
    )
    add("--minute-s", type=number(0.1), default=60.0, help="seconds that count as a minute, 60")
    add("--classes", default="person,car", help="what is looked for")
    add("--json", type=Path, help="write the figures to this file")
    return parser


class HeldSegmenter(Segmenter):
    """A segmenter whose inference takes a certain time at least: a slower machine's.

    Args:
        segmenter: whose model and classes it takes.
        fps: how many it can do in a second at most.
    """

    def __init__(self, segmenter: Segmenter, fps: float) -> None:
        super().__init__(segmenter.model)
        assert segmenter.classes is not None
        self.classes = segmenter.classes
        self._least_s = 1.0 / fps

    def infer(self, *arguments: Any, **options: Any) -> Any:
        """Infer, then wait until the time is over."""
        ends = time.perf_counter() + self._least_s
        raw = super().infer(*arguments, **options)
        time.sleep(max(0.0, ends - time.perf_counter()))
        return raw


class TimedLines(JsonLines):
    """Lines of JSON, each noted with when it was written and how old its picture was then.

    Args:
        path: the file.
        seconds: how long after its first line it asks for the end of the run.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(str(path))
        self._seconds = seconds
        self.written_at: list[float] = []
        self.ages_ms: list[float] = []

    def write(self, item: SegmentedFrame) -> None:
        """Write the line, then look at the clock."""
        super().write(item)
        now = time.perf_counter()
        self.written_at.append(now)
        self.ages_ms.append((now - item.frame.captured_at) * 1e3)
        self.ends_run = now - self.written_at[0] >= self._seconds


def run_overloaded(segmenter: Segmenter, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run for as long as asked; the figures of each minute and of the run."""
    seconds = arguments.minutes * arguments.minute_s
    source = PatternSource(arguments.camera)
    with tempfile.TemporaryDirectory() as folder:
        lines = TimedLines(Path(folder) / "frames.jsonl", seconds)
        stream = Stream(source, HeldSegmenter(segmenter, arguments.model_fps), [lines])
        Pipeline([stream]).run()
    counted = stream.statistics
    return {
        "minutes": by_minute(lines.written_at, lines.ages_ms, arguments.minute_s),
        "frames_in": counted.frames_in,
        "frames_processed": counted.frames_processed,
        "frames_dropped": counted.frames_dropped,
        "dropped_by_output": stream.workers[0].dropped,
        "fps": round(counted.fps, 3),
        "peak_rss_mib": read_peak_rss_mib(),
    }


def by_minute(
    written_at: Sequence[float], ages_ms: Sequence[float], minute_s: float
) -> list[dict[str, Any]]:
    """For each whole minute since the first line: frames, percentiles and the largest age."""
    if not written_at:
        return []
    at_s, ages = np.asarray(written_at) - written_at[0], np.asarray(ages_ms)
    minutes: list[dict[str, Any]] = []
    for place in range(int(at_s[-1] / minute_s)):
        inside = ages[(at_s >= place * minute_s) & (at_s < (place + 1) * minute_s)]
        if not len(inside):
            minutes.append({"frames": 0})
            continue
        described: dict[str, Any] = {"frames": len(inside)}
        described |= {f"p{p}_ms": round(float(np.percentile(inside, p)), 3) for p in PERCENTILES}
        minutes.append(described | {"max_ms": round(float(inside.max()), 3)})
    return minutes


def growth_of(minutes: Sequence[dict[str, Any]]) -> float:
    """The last minute's 99th percentile by the second's; raises ``UserError`` without both."""
    if len(minutes) < 3 or "p99_ms" not in minutes[1] or "p99_ms" not in minutes[-1]:
        raise UserError("--minutes is too short: the last minute must come after the second")
    return round(minutes[-1]["p99_ms"] / minutes[1]["p99_ms"], 4)


def describe_machine(
    load_before: float | None, before: MachineState, after: MachineState
) -> dict[str, Any]:
    """Whether other programs disturbed; the model's own time is no sign here, it is held."""
    return judge(load_before, before, after, variation=0.0)


def format_record(record: dict[str, Any]) -> str:
    """The record as a table, and what was asked."""
    header = ["minute", "frames", *(f"p{p} ms" for p in PERCENTILES), "max ms"]
    rows: list[list[object]] = [
        [place, one["frames"], *(one.get(f"p{p}_ms", "-") for p in PERCENTILES), one.get("max_ms")]
        for place, one in enumerate(record["minutes"], 1)
    ]
    told = (
        f"{record['frames_in']} frames came, {record['frames_processed']} were taken, "
        f"{record['fps']:.1f} a second; p99 of the last minute is {record['p99_growth']:.2f} x "
        f"that of the second (asked: at most {MOST_GROWTH})"
    )
    return f"{format_table(header, rows)}\n\n{told}"


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    if arguments.minutes < 3:
        raise UserError("--minutes is too short: the last minute must come after the second")
    load_before = read_state().load_average
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    subject.segmenter.set_classes(arguments.classes)
    before = read_state()
    found = run_overloaded(subject.segmenter, arguments)
    record = {
        "p99_growth": growth_of(found["minutes"]),
        "most_growth": MOST_GROWTH,
        "camera": arguments.camera,
        "model_fps": arguments.model_fps,
        **found,
        "bundle": subject.describe(),
        "machine": describe_machine(load_before, before, read_state()),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    warning = warning_of(record["machine"])
    if warning is not None:
        print(f"\n{warning}", file=sys.stderr)
    if arguments.json is not None:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
