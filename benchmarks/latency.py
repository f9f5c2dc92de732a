"""``python -m benchmarks.latency``: milliseconds of each stage, one frame after another.

Nothing overlaps here, so that a stage's time is its own; ``mgca-rt`` overlaps decoding, inference
and writing and reports its own rate. ``total`` is the whole way of a frame, capture included.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.stage_clock import StageClock
from benchmarks.record.table import format_table
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.demo import DEMO_CLASSES, demo_clip
from runtime.errors import UserError
from runtime.flag_values import whole_number
from runtime.sources import Frame, Source, open_video
from runtime.sources.images import ImageSource

PROG = "python -m benchmarks.latency"
STAGES = ("capture", "preprocess", "infer", "postprocess", "total")


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure a bundle's latency (without --bundle: the shipped demo bundle).",
        epilog=f"example:\n  {PROG} --bundle bundles/mine --frames 300 --json latency.json",
    )
    parser.add_argument("--bundle", type=Path, help="folder made by python -m export")
    parser.add_argument(
        "--video", help="file, or folder of images, to read frames from (default: the demo clip)"
    )
    parser.add_argument("--frames", type=whole_number(1), default=200, help="to measure (200)")
    parser.add_argument("--warmup", type=whole_number(0), default=20, help="frames run before (20)")
    parser.add_argument("--classes", help="as mgca-rt takes them (default: the demo's)")
    parser.add_argument("--background", default="auto", help="as mgca-rt takes it (auto)")
    parser.add_argument("--units", choices=("adaptive", "pixel"), default="adaptive")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=whole_number(1), help="of the backend")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    video = arguments.video or str(demo_clip())
    open_source(video).close()  # refused before a model is loaded
    started = time.perf_counter()
    segmenter = Segmenter.load(
        arguments.bundle, backend=arguments.backend, threads=arguments.threads
    )
    segmenter.set_classes(arguments.classes or list(DEMO_CLASSES), background=arguments.background)
    segmenter.units = arguments.units
    with closing(repeat_frames(video)) as frames:
        load_ms = 1000 * (time.perf_counter() - started)
        clock, size_wh = time_frames(segmenter, frames, arguments.warmup, arguments.frames)
    record = make_record(arguments, segmenter, clock)
    record |= {"source_size_wh": list(size_wh), "load_ms": round(load_ms, 1)}
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def time_frames(
    segmenter: Segmenter, frames: Iterator[Frame], warmup: int, count: int
) -> tuple[StageClock, tuple[int, int]]:
    """Time the stages of a frame's way, one frame after another.

    Args:
        segmenter: with its classes set.
        frames: at least ``warmup + count`` of them.
        warmup: frames run before any is timed.
        count: frames timed.

    Returns:
        The clock, and width and height of the last frame in pixels.
    """
    clock = StageClock()
    size_wh = (0, 0)
    for index in tqdm(
        range(-warmup, count), desc="latency", unit="frame", leave=False, disable=None
    ):
        if index == 0:
            clock = StageClock()
        frame = next(frames)
        size_wh = frame.size_wh
        started = time.perf_counter()
        clock.add("capture", frame.capture_ms)
        with clock.measure("preprocess"):
            prepared = segmenter.preprocess(frame.image_bgr)
        with clock.measure("infer"):
            raw = segmenter.infer(prepared)
        with clock.measure("postprocess"):
            segmenter.postprocess(raw)
        clock.add("total", frame.capture_ms + 1000 * (time.perf_counter() - started))
    return clock, size_wh


def open_source(video: str) -> Source:
    """A video file or a folder of images, opened; raises ``UserError``."""
    source = ImageSource(video) if Path(video).is_dir() else open_video(video)
    source.open()
    return source


def repeat_frames(video: str) -> Generator[Frame, None, None]:
    """The frames of ``video``, a file or a folder of images, over and over.

    Raises:
        UserError: no video, or one without frames.
    """
    stop = threading.Event()
    while True:
        source = open_source(video)
        try:
            count = 0
            for frame in source.frames(stop):
                count += 1
                yield frame
        finally:
            stop.set()
            source.close()
        if not count:
            raise UserError(f"{video} holds no frame; expected a video")
        stop = threading.Event()


def make_record(
    arguments: argparse.Namespace, segmenter: Segmenter, clock: StageClock
) -> dict[str, Any]:
    """The figures and what they were measured with."""
    stages = clock.to_record()
    manifest = segmenter.bundle.manifest
    return {
        "stages_ms": {stage: stages[stage] for stage in STAGES},
        "fps": round(1000 / stages["total"]["mean"], 2),
        "backend": segmenter.backend.name,
        "provider": segmenter.backend.provider,
        "bundle": {"id": segmenter.bundle.id, "precision": manifest.precision},
        "input_size_wh": list(manifest.input.size_wh),
        "classes": list(segmenter.class_names),
        "background": arguments.background,
        "units": arguments.units,
        "threads": arguments.threads,
        "frames": arguments.frames,
        "warmup": arguments.warmup,
        **describe_measurement(arguments),
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as a table in milliseconds."""
    points = ("p50", "p90", "p95", "p99", "mean")
    rows = [
        [stage, *(float(times[point]) for point in points)]
        for stage, times in record["stages_ms"].items()
    ]
    title = (
        f"{record['bundle']['id']} on {record['provider']} ({record['hardware']['cpu']}, "
        f"{record['hardware']['cores']} cores), {record['frames']} frames"
    )
    rate = f"{record['fps']:.1f} frames/s, one after another"
    return "\n\n".join([title, format_table(["ms", *points], rows), rate])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
