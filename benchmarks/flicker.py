"""``python -m benchmarks.flicker``: how steady masks are, with ``--smooth`` and without.

Each frame of a clip is run twice: with every word of the truth asked for, which gives flicker and
mIoU, and with a few classes asked for as ``mgca-rt`` asks, which gives their areas. The scores of
each run are labelled as they are, and once more after smoothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.camvid import NAME as CAMVID
from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.datasets.flags import add_dataset_flags, open_dataset
from benchmarks.datasets.streetworld import NAME as SCENES
from benchmarks.figures.pictures import check_outside_repositories
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.record.stage_clock import summarise
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.score import each_frame
from benchmarks.scoring.stability import LabelledClip, describe_jumps
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import number, whole_number
from runtime.segment.frames import PreparedFrame
from runtime.segment.smoothing import TIME_CONSTANT_S, TemporalSmoother

PROG = "python -m benchmarks.flicker"
EXAMPLES = f"""examples:
  {PROG} --dataset shipped-clip --json flicker.json
  {PROG} --dataset camvid --frames 51-101 --smooth 0.5
"""
WAYS = ("off", "on")
STRIP_FRAMES = 6


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure flicker, jumping areas and mIoU of a clip, with --smooth and without.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add_dataset_flags(add)
    parser.set_defaults(dataset="demo-clip")
    add("--classes", default="person,car", help="whose areas are followed, person,car")
    add("--background", default="auto", help="for these, as mgca-rt has it")
    add("--least-area", type=number(0, 1), default=0.001, help="of a pair that is seen, 0.001")
    add("--smooth", type=number(0.001, 60), default=TIME_CONSTANT_S, help="seconds, 0.35")
    add("--fps", type=number(0.01, 1000), default=15.0, help="of the clip, 15")
    add("--json", type=Path, help="write the figures to this file")
    add("--strip", type=Path, help="also draw six frames in a row, with it and without, as PNG")
    add("--strip-from", type=whole_number(0), default=40, help="the first of them, from 0; 40")
    return parser


class Asked:
    """One list of classes taken through a clip, both ways.

    Args:
        segmenter: with the classes set and no smoother.
        truth_classes: how many the truth has.
        seconds: the time constant.
    """

    def __init__(self, segmenter: Segmenter, truth_classes: int, seconds: float) -> None:
        self.segmenter = segmenter
        self.smoother = TemporalSmoother(seconds)
        count = len(segmenter.class_names)
        self.clips = {way: LabelledClip(count, truth_classes) for way in WAYS}
        self.infer_ms: list[float] = []
        self.smooth_ms: list[float] = []

    def label(self, prepared: PreparedFrame, truth_hw: np.ndarray) -> list[np.ndarray]:
        """Run a frame, timed, and count its labels both ways; returns them."""
        started = time.perf_counter()
        raw = self.segmenter.infer(prepared)
        inferred = time.perf_counter()
        smoothed = self.smoother.smooth(raw, prepared)
        self.smooth_ms.append((time.perf_counter() - inferred) * 1e3)
        self.infer_ms.append((inferred - started) * 1e3)
        found = [self.segmenter.postprocess(scores).labels for scores in (raw, smoothed)]
        for way, labels_hw in zip(WAYS, found, strict=True):
            self.clips[way].add(labels_hw, truth_hw)
        return found


def run_clip(
    subject: BundleUnderTest,
    dataset: EvaluationSet,
    classes: Sequence[str],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Take a clip through both lists of classes; the figures as JSON-ready values.

    Draws the strip as well, where one is asked for.
    """
    every, few = (Segmenter(subject.segmenter.model) for _ in range(2))
    every.set_classes(list(dataset.words), background="none", allow_unknown=True)
    few.set_classes(list(classes), background=arguments.background)
    asked = [Asked(one, len(dataset.words), arguments.smooth) for one in (every, few)]
    strip: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []
    truth_areas: dict[str, list[float]] = {name: [] for name in classes}
    for index, frame in enumerate(each_frame(dataset, True)):
        truth_hw = dataset.truth_of(frame)
        prepared = every.preprocess(frame.frame_bgr, index / arguments.fps)
        found, _ = (one.label(prepared, truth_hw) for one in asked)
        if arguments.strip and 0 <= index - arguments.strip_from < STRIP_FRAMES:
            strip.append((index, frame.frame_bgr, found[0], found[1]))
        for name, areas in truth_areas.items():
            areas.append(float((truth_hw == dataset.words.index(name)).mean()))
    if strip:
        from benchmarks.figures.png import write_png
        from benchmarks.figures.strip import LabelledFrame, draw_strip

        frames = [LabelledFrame(*one) for one in strip]
        write_png(arguments.strip, draw_strip(frames, dataset.words))
    return describe_clip(asked[0], asked[1], truth_areas, arguments.least_area)


def describe_clip(
    every: Asked, few: Asked, truth_areas: dict[str, list[float]], least_area: float
) -> dict[str, Any]:
    """The figures of a clip; all shares are fractions."""
    jumps = {
        name: {
            "truth": describe_jumps(areas, least_area),
            **{way: describe_jumps(few.clips[way].areas[row], least_area) for way in WAYS},
        }
        for row, (name, areas) in enumerate(truth_areas.items())
    }
    infer_ms, smooth_ms = (
        summarise([*getattr(every, name), *getattr(few, name)])
        for name in ("infer_ms", "smooth_ms")
    )
    return {
        "flicker": {way: every.clips[way].flicker for way in WAYS},
        "miou": {way: every.clips[way].miou for way in WAYS},
        "flicker_of_few": {way: few.clips[way].flicker for way in WAYS},
        "jumps": jumps,
        "infer_ms": infer_ms,
        "smooth_ms": smooth_ms,
        "cost": smooth_ms["p50"] / infer_ms["p50"],
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as tables in percent."""
    settings = record["settings"]
    title = f"{record['dataset']}, {record['frames']} frames, --smooth {settings['smooth_s']:g}"
    rows: list[list[object]] = [
        [name, *(100 * record[key][way] for way in WAYS)]
        for name, key in (
            ("flicker", "flicker"),
            ("mIoU", "miou"),
            (f"flicker, {','.join(record['jumps'])}", "flicker_of_few"),
        )
    ]
    jumps: list[list[object]] = []
    for name, ways in record["jumps"].items():
        for key, over in (("share", "all pairs"), ("share_of_seen", "pairs seen")):
            shares = (100 * ways[way][key] for way in ("truth", *WAYS))
            jumps.append([f"{name}, {over}", *shares])
    cost = (
        f"smoothing {record['smooth_ms']['p50']:.2f} ms, {100 * record['cost']:.2f} % of "
        f"inference's {record['infer_ms']['p50']:.1f} ms (medians)"
    )
    return "\n\n".join(
        (
            title,
            format_table(["%", "off", "on"], rows),
            format_table(["area jumps, %", "truth", "off", "on"], jumps),
            cost,
        )
    )


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print tables on stdout and write the JSON record."""
    check_writable(arguments.json)
    if arguments.dataset.startswith(SCENES):
        raise UserError(f"--dataset {arguments.dataset} is no clip; give one, such as demo-clip")
    dataset = open_dataset(arguments)
    if arguments.strip is not None:
        check_writable(arguments.strip, "--strip")
        if dataset.name == CAMVID:
            check_outside_repositories(arguments.strip.parent, "--strip")
        if arguments.strip_from >= dataset.count:
            raise UserError(
                f"--strip-from {arguments.strip_from} is past the {dataset.count} frames"
            )
    classes = choose_names(arguments.classes, dataset.words, "--classes")
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    settings = {
        "fps": arguments.fps,
        "smooth_s": arguments.smooth,
        "least_area": arguments.least_area,
        "background": arguments.background,
    }
    record = {
        "dataset": dataset.name,
        "frames": dataset.count,
        "settings": {**dataset.settings, **settings},
        **run_clip(subject, dataset, classes, arguments),
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
