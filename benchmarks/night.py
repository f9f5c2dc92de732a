"""``python -m benchmarks.night``: does a run that never ends stay as it was when it began?

A live pattern, decoded in a process of its own that is killed again and again, meets class lists
that change, a recording that is cut and bounded, a line a frame, and a live page with a viewer, in
``mgca-rt``'s own threads. Resident memory, handles and threads are read on the way; every frame's
number has to be higher than the one before. After the warm-up, memory has to be flat, handles and
threads no more than before, and the last frames no slower than the first.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile_bundles.corpus import COLORS, write_tiny_bundle
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest
from benchmarks.serve import open_page, watching
from runtime.command import CommandParser
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number, whole_number
from runtime.heap import limit_arenas
from runtime.live_words import change_words
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.jsonl import JsonLines
from runtime.sinks.recording import Recording
from runtime.sources.isolated import IsolatedSource
from runtime.sources.plan import SourcePlan
from runtime.stream.pipeline import Pipeline
from runtime.stream.statistics import WINDOW_FRAMES
from runtime.stream.stream import Stream

PROG = "python -m benchmarks.night"
#: What is asked, of runs that are long enough to tell.
MOST_GROWTH_MB, MOST_P99_GROWTH, TELLING_FRAMES = 1.0, 1.2, 100_000
#: Threads and handles come and go with a request; this many more are no leak.
SLACK = 2
KEEP_BYTES = 3_000_000
#: Frames that a decoder gives before it is killed: a busy machine needs long to start one.
BETWEEN_DEATHS = 100

__all__ = ["Sample", "judge", "main"]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Run for long with everything that can change, and watch what grows.",
        epilog=f"example:\n  {PROG} --frames 200000 --json night.json",
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="that knows red, green, blue and yellow (made here)")
    add("--frames", type=whole_number(100), default=200_000, help="how many are segmented, 200000")
    add("--warm-up", type=whole_number(0), help="frames before anything is judged (a quarter)")
    add("--camera", default="96x64@500", metavar="WxH@FPS", help="the pattern, 96x64@500")
    add("--change-s", type=number(0.01), default=0.5, help="between class lists, 0.5")
    add("--fail-s", type=number(0.1), default=20.0, help="between deaths of the decoder, 20")
    add("--viewers", type=whole_number(0), default=1, help="of the live page, 1")
    add("--json", type=Path, help="write the figures to this file")
    return parser


@dataclass(frozen=True)
class Sample:
    """What the process held after so many frames: bytes, open files, threads."""

    frames: int
    rss_bytes: int
    handles: int
    threads: int


def take_sample(frames: int) -> Sample:
    """Look at this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    handles = len(os.listdir("/proc/self/fd"))
    return Sample(frames, pages * os.sysconf("SC_PAGE_SIZE"), handles, threading.active_count())


class NightWatch(Sink):
    """Notes each frame's number and age, and every so many frames what the process holds.

    Args:
        every: frames between two samples.
    """

    key = "night"

    @dataclass(frozen=True)
    class Options:
        """None."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.samples: list[Sample] = []
        self.ages_ms = np.zeros(0, np.float32)
        self.lists: set[tuple[str, ...]] = set()
        self.disorder: list[str] = []
        self.frames = 0
        self._last = -1

    def hold(self, frames: int) -> None:
        """Take the memory for so many frames at once, or the notes themselves would grow."""
        self.ages_ms = np.zeros(frames, np.float32)
        self.ages_ms.fill(-1.0)

    @classmethod
    def from_options(cls, options: Any) -> None:
        """It has no flags."""

    def check(self, claims: object) -> None:
        """Nothing is written."""

    def write(self, item: SegmentedFrame) -> None:
        """Note one frame."""
        index = item.frame.index
        if index <= self._last:
            self.disorder.append(f"frame {index} came after {self._last}")
        self._last = index
        if self.frames < len(self.ages_ms):
            self.ages_ms[self.frames] = item.latency_ms["total"]
        self.lists.add(item.result.class_names)
        self.frames += 1
        if self.frames % self.every == 0:
            self.samples.append(take_sample(self.frames))

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def repeating(work: Callable[[int], None], every_s: float) -> Iterator[list[int]]:
    """Call ``work`` with 0, 1, ... so often, in a thread; gives a list of the numbers so far."""
    over, done = threading.Event(), [0]

    def repeat() -> None:
        while not over.wait(every_s):
            work(done[0])
            done[0] += 1

    thread = threading.Thread(target=repeat, name=work.__name__, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def list_of(place: int) -> str:
    """One of the class lists that follow each other, of one class to four."""
    names = list(COLORS)
    turned = names[place % len(names) :] + names[: place % len(names)]
    return ",".join(turned[: 1 + place % 3])


def run_night(arguments: argparse.Namespace, bundle: Path, folder: Path) -> dict[str, Any]:
    """The run and its figures, not yet judged."""
    limit_arenas()
    logging.getLogger("mgca.sources").setLevel(logging.CRITICAL)  # two warnings a death
    segmenter = BundleUnderTest(bundle, "onnxruntime-cpu", 1).segmenter
    segmenter.set_classes(list_of(0), background="none")
    source = IsolatedSource(SourcePlan("test-pattern", {"mode": arguments.camera, "live": True}))
    watch = NightWatch(max(1, arguments.frames // 400))
    watch.hold(arguments.frames)
    recording = Recording(str(folder / "rec"), segment_s=2.0, keep_bytes=KEEP_BYTES)
    with ExitStack() as stack:
        stack.callback(source.close)
        page, url = stack.enter_context(open_page())
        source.open()
        sinks = [watch, recording, JsonLines(str(folder / "lines.jsonl")), page]
        stream = Stream(source, segmenter, sinks, name="clip", max_frames=arguments.frames)

        def change(place: int) -> None:
            change_words(stream, list_of(place))

        seen = [0]

        def kill_decoder(place: int) -> None:
            pid, before = source.pid, seen[0]
            if pid is not None and watch.frames - before >= BETWEEN_DEATHS:  # it has come back
                seen[0] = watch.frames
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        stack.enter_context(watching(url + "/api/streams/clip/video", arguments.viewers))
        changes = stack.enter_context(repeating(change, arguments.change_s))
        stack.enter_context(repeating(kill_decoder, arguments.fail_s))
        began = time.perf_counter()
        Pipeline([stream]).run()
        seconds = time.perf_counter() - began
    errors = [str(worker.error) for worker in stream.workers if worker.error is not None]
    return {
        "frames": stream.statistics.frames_processed,
        "seconds": round(seconds, 1),
        "dropped": stream.statistics.frames_dropped,
        "class_changes": changes[0],
        "lists_seen": len(watch.lists),
        "restarts": source.restarts,
        "recorded": {"files": recording.files, "removed": recording.removed},
        "disorder": watch.disorder,
        "errors": errors,
        "samples": watch.samples,
        "ages_ms": watch.ages_ms[: watch.frames],
    }


def judge(
    samples: Sequence[Sample], ages_ms: np.ndarray, warm_up: int, frames: int
) -> tuple[dict[str, Any], list[str]]:
    """The figures after the warm-up, and what is wrong with them.

    Args:
        samples: in order.
        ages_ms: of the frames, in order.
        warm_up: frames that are not looked at.
        frames: of the whole run; memory and time of a short one are told and not judged.

    Raises:
        UserError: there are too few samples after the warm-up.
    """
    late = [one for one in samples if one.frames > warm_up]
    if len(late) < 6:
        raise UserError("--frames is too few for --warm-up; give more of the one or fewer")
    at = np.array([one.frames for one in late], np.float64)
    held = np.array([one.rss_bytes for one in late], np.float64)
    slope_mb = float(np.polyfit(at, held, 1)[0]) * 1e5 / 1e6
    ages = ages_ms[warm_up:]
    tenth = max(1, len(ages) // 10)
    first, last = (float(np.percentile(part, 99)) for part in (ages[:tenth], ages[-tenth:]))
    third = len(late) // 3
    figures: dict[str, Any] = {
        "warm_up": warm_up,
        "rss_mb": [round(held[0] / 1e6, 2), round(held[-1] / 1e6, 2)],
        "rss_slope_mb_per_100k": round(slope_mb, 3),
        "p99_ms": [round(first, 3), round(last, 3)],
    }
    wrong = []
    for name in ("handles", "threads"):
        counts = [getattr(one, name) for one in late]
        before, after = max(counts[:third]), max(counts[-third:])
        figures[name] = [before, after]
        if after > before + SLACK:
            wrong.append(f"{name} grew from {before} to {after}")
    if frames >= TELLING_FRAMES:
        if slope_mb > MOST_GROWTH_MB:
            wrong.append(f"memory grows by {slope_mb:.2f} MB per 100,000 frames")
        if last > MOST_P99_GROWTH * first:
            wrong.append(f"p99 grew from {first:.1f} to {last:.1f} ms")
    return figures, wrong


def format_record(record: dict[str, Any]) -> str:
    """The record as a table, and what was wrong."""
    rows = [
        ["resident memory, MB", *record["rss_mb"]],
        ["handles, most", *record["handles"]],
        ["threads, most", *record["threads"]],
        ["p99, ms", *record["p99_ms"]],
    ]
    told = (
        f"{record['frames']} frames in {record['seconds']:.0f} s, {record['class_changes']} class "
        f"changes, {record['restarts']} restarts of the source, memory slope "
        f"{record['rss_slope_mb_per_100k']:.2f} MB per 100,000 frames"
    )
    table = format_table(["", "after the warm-up", "at the end"], rows)
    return "\n\n".join([table, told, *record["wrong"]])


def measure(arguments: argparse.Namespace) -> None:
    """Run, print a table on stdout, write the JSON record; raises for what grew."""
    check_writable(arguments.json)
    if not Path("/proc/self/statm").exists():
        raise UserError(f"{PROG} reads Linux's /proc; run it there")
    quarter = arguments.frames // 4
    warm_up = quarter if arguments.warm_up is None else arguments.warm_up
    if arguments.frames >= TELLING_FRAMES:
        warm_up = max(warm_up, WINDOW_FRAMES)  # statistics keep so many frames
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = arguments.bundle or write_tiny_bundle(folder / "bundle")
        found = run_night(arguments, bundle, folder)
    samples, ages_ms = found.pop("samples"), found.pop("ages_ms")
    figures, wrong = judge(samples, ages_ms, warm_up, found["frames"])
    wrong += found["disorder"][:10] + found["errors"]
    record = {
        **found,
        **figures,
        "wrong": wrong,
        "samples": [[one.frames, one.rss_bytes, one.handles, one.threads] for one in samples],
        **describe_measurement(arguments, "av", "uvicorn", "starlette"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)
    if wrong:
        raise MgcaError(f"{len(wrong)} things did not stay as they were; see above")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
