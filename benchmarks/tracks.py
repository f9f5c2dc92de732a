"""``python -m benchmarks.tracks``: whether objects keep their numbers on streets that move.

The streets are drawn, so that it is known which car or person each pixel shows. The objects are
those of the exact labels, and with ``--model`` those of a bundle's labels of the shipped clip.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets.street_actors import MOVERS, street_actors
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.stage_clock import summarise
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.identity import LEAST_AREA, LEAST_FRAMES, LEAST_SEEN, Identities
from export.parity.frames import DEMO_CLIP_FRAMES, DEMO_CLIP_SEED
from runtime.command import CommandParser
from runtime.demo import demo_clip
from runtime.flag_values import whole_number
from runtime.objects.things import find_things
from runtime.objects.tracker import Tracker
from runtime.segment.smoothing import TemporalSmoother
from runtime.sources import open_video
from training.data.streetworld import CLASS_NAMES

PROG = "python -m benchmarks.tracks"
EXAMPLES = f"""examples:
  {PROG} --json tracks.json
  {PROG} --seeds 7 8 9
  {PROG} --model
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how often tracked objects keep their numbers.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--seeds", type=whole_number(0), nargs="+", default=[DEMO_CLIP_SEED], help="streets, 1")
    add("--frames", type=whole_number(1), default=DEMO_CLIP_FRAMES, help="of each, 105")
    add("--model", action="store_true", help="also the bundle's labels of the shipped clip")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def follow(
    seed: int, frames: int, labels: Iterator[NDArray[np.uint8]] | None = None
) -> dict[str, Any]:
    """Track the objects of a street, of its exact labels or of others; the figures."""
    tracker, identities, times_ms = Tracker(), Identities(), []
    label_of = {name: CLASS_NAMES.index(name) for name in MOVERS}
    moves = np.isin(np.arange(256), list(label_of.values()))
    for frame in street_actors(seed, frames):
        shown = frame.labels_hw if labels is None else next(labels)
        labels_hw = np.where(moves[shown], shown, 255).astype(np.uint8)
        started = time.perf_counter()
        objects = tracker.update(find_things(labels_hw, CLASS_NAMES), frame.time_s)
        times_ms.append((time.perf_counter() - started) * 1e3)
        identities.add(objects, labels_hw, label_of, frame.actors_hw, frame.outlines)
    counts = identities.describe()
    share = counts["right"] / max(counts["frames"], 1)
    return {**counts, "share": share, "tracking_ms": summarise(times_ms)}


def label_clip(subject: BundleUnderTest) -> Iterator[NDArray[np.uint8]]:
    """The bundle's labels of the shipped clip as ``mgca-rt`` gives them, as StreetWorld's."""
    subject.segmenter.set_classes(list(MOVERS))
    subject.segmenter.smoother = TemporalSmoother()
    label_of = np.full(256, 255, np.uint8)
    label_of[: len(MOVERS)] = [CLASS_NAMES.index(name) for name in MOVERS]
    clip = open_video(str(demo_clip()))
    clip.open()
    try:
        for frame in clip.frames(threading.Event()):
            yield label_of[subject.segmenter(frame.image_bgr, frame.time_s).labels]
    finally:
        clip.close()


def format_record(record: dict[str, Any]) -> str:
    """The record as a table."""
    rows = [
        [name, one["things"], one["frames"], 100 * one["share"], one["tracking_ms"]["p50"]]
        for name, one in record["clips"].items()
    ]
    return format_table(["labels", "things", "frames", "same number, %", "ms"], rows)


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    clips = {f"exact, street {seed}": follow(seed, arguments.frames) for seed in arguments.seeds}
    record: dict[str, Any] = {"clips": clips}
    exact = list(clips.values())
    record["share"] = sum(one["right"] for one in exact) / max(
        sum(one["frames"] for one in exact), 1
    )
    if arguments.model:
        subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
        labels = label_clip(subject)
        clips["the model's, shipped clip"] = follow(DEMO_CLIP_SEED, arguments.frames, labels)
        record["bundle"] = subject.describe()
    record["settings"] = {
        "least_seen": LEAST_SEEN,
        "least_area": LEAST_AREA,
        "least_frames": LEAST_FRAMES,
        "classes": list(MOVERS),
    }
    record |= describe_measurement(arguments)
    print(format_record(record))
    print(f"\nall exact labels: {100 * record['share']:.1f} % of frames with the same number")
    if arguments.json is not None:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
