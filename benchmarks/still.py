"""``python -m benchmarks.still``: what ``--skip-still`` saves on a clip, and what it costs.

Every frame goes through two segmenters of one model, one that runs the graph on every frame and one
that spares still ones, in turns: first the one, then the other, at the next frame the other way
around. So whatever else the machine does meets both. A frame's time is from the decoded picture to
its labels and areas.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.datasets.flags import add_dataset_flags, open_dataset
from benchmarks.datasets.still_clip import NAME
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.stage_clock import summarise
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.score import each_frame
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.confusion_matrix import count_confusions, mean_iou, named_ious
from runtime.flag_values import number
from runtime.segment.still import StillGate

PROG = "python -m benchmarks.still"
EXAMPLES = f"""examples:
  {PROG} --json still.json
  {PROG} --dataset camvid --root path/to/camvid_val
"""
WAYS = ("every_frame", "skip_still")


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure --skip-still: frames a second and mIoU, with it and without.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add_dataset_flags(add)
    parser.set_defaults(dataset=NAME)
    add("--fps", type=number(0.01, 1000), default=15.0, help="of the clip, 15")
    add("--json", type=Path, help="write the figures to this file")
    return parser


class Way:
    """One of the two ways through a clip, with its times and counts.

    Args:
        segmenter: with its classes set.
        classes: how many.
    """

    def __init__(self, segmenter: Segmenter, classes: int) -> None:
        self.segmenter = segmenter
        self.times_ms: list[float] = []
        self.spared = 0
        self.confusion = np.zeros((classes, classes + 1), np.int64)

    def segment(self, frame: EvaluationFrame, time_s: float) -> None:
        """Segment a frame, timed, and count what is right."""
        started = time.perf_counter()
        result = self.segmenter(frame.frame_bgr, time_s)
        _ = result.areas
        self.times_ms.append((time.perf_counter() - started) * 1e3)
        self.spared += result.spared
        self.confusion += count_confusions(frame.labels_hw, result.labels, len(self.confusion))

    def describe(self, words: Sequence[str]) -> dict[str, Any]:
        """The figures as JSON-ready values."""
        return {
            "frames_spared": self.spared,
            "fps": 1e3 * len(self.times_ms) / sum(self.times_ms),
            "frame_ms": summarise(self.times_ms),
            "miou": mean_iou(self.confusion),
            "iou": named_ious(self.confusion, words),
        }


def run_both(
    subject: BundleUnderTest, dataset: EvaluationSet, fps: float, *, progress: bool = False
) -> dict[str, Way]:
    """Take a clip both ways, in turns; the first frame is run once before for warming up."""
    segmenters = (
        Segmenter(subject.segmenter.model),
        Segmenter(subject.segmenter.model, motion_gate=StillGate()),
    )
    for segmenter in segmenters:
        segmenter.set_classes(list(dataset.words), background="none")
    ways = [Way(segmenter, len(dataset.words)) for segmenter in segmenters]
    for index, frame in enumerate(each_frame(dataset, progress)):
        if index == 0:
            segmenters[0](frame.frame_bgr)
        for way in ways if index % 2 else reversed(ways):
            way.segment(frame, index / fps)
    return dict(zip(WAYS, ways, strict=True))


def format_record(record: dict[str, Any]) -> str:
    """The record as tables."""
    ways = [record[name] for name in WAYS]
    title = f"{record['dataset']}, {record['frames']} frames"
    rows: list[list[object]] = [
        ["frames spared", *(way["frames_spared"] for way in ways)],
        ["frames/s", *(way["fps"] for way in ways)],
        ["median ms", *(way["frame_ms"]["p50"] for way in ways)],
        ["p95 ms", *(way["frame_ms"]["p95"] for way in ways)],
        ["mIoU %", *(100 * way["miou"] for way in ways)],
    ]
    lost = 100 * record["miou_lost"]
    summary = f"{record['fps_ratio']:.2f} x the frames a second, {lost:.2f} mIoU lost"
    return "\n\n".join((title, format_table(["", "every frame", "--skip-still"], rows), summary))


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    dataset = open_dataset(arguments)
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    ways = run_both(subject, dataset, arguments.fps, progress=True)
    figures = {name: way.describe(dataset.words) for name, way in ways.items()}
    every, spared = (figures[name] for name in WAYS)
    record = {
        "dataset": dataset.name,
        "frames": dataset.count,
        "settings": {**dataset.settings, "fps": arguments.fps},
        "fps_ratio": spared["fps"] / every["fps"],
        "miou_lost": every["miou"] - spared["miou"],
        **figures,
        "bundle": subject.describe(),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
