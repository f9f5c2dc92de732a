"""``python -m benchmarks.evaluator``: what scoring by a protocol takes beside the graph itself.

Pictures of noise with labels of blocks go through :mod:`benchmarks.accuracy`'s own scoring; in turn
with each, their windows go through the graph alone. A window has the bundle's size whatever the
protocol's is, and words are random directions: neither changes what is computed, so that any bundle
serves. ``wall_ratio`` and ``cpu_ratio`` are medians of the rounds. Memory is the most that the
process has held (of anything, its start included) less what it held before the first picture.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.coco import STUFF, THINGS
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.protocols.predictor import predictor_of
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.registry import PROTOCOLS, protocol_of
from benchmarks.protocols.setting import config_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.score import Kind
from benchmarks.scoring.tally import score_set
from runtime import Segmenter
from runtime.cli.opening import decide_by
from runtime.command import CommandParser
from runtime.flag_values import size_wh, whole_number
from runtime.segment.windows import Windows
from runtime.stream.statistics import read_peak_rss_mib
from runtime.text.queries import TextQueries

PROG = "python -m benchmarks.evaluator"
_BLOCK = 64  # pixels of a side of one label


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what scoring by a protocol takes beside the graph: time and memory.",
        epilog=f"example:\n  {PROG} --bundle bundles/mine --size 2048x1024 --json evaluator.json",
    )
    add_bundle_flags(parser.add_argument)
    add = parser.add_argument
    add("--protocol", choices=tuple(PROTOCOLS), default="sclip", help="COCO-Stuff's (sclip)")
    add("--size", type=size_wh(16), default=(640, 480), help="of the pictures (640x480)")
    add("--pictures", type=whole_number(1), default=4, help="of a round (4)")
    add("--rounds", type=whole_number(1), default=3, help="of both in turn (3)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def noise_set(size_wh: tuple[int, int], count: int) -> EvaluationSet:
    """Pictures of noise in COCO-Stuff's 171 classes."""
    width, height = size_wh
    words = (*THINGS, *STUFF)

    def read(number: int) -> EvaluationFrame:
        rng = np.random.default_rng(number)
        frame_bgr = rng.integers(0, 256, (height, width, 3), np.uint8)
        blocks = rng.integers(0, len(words), (height // _BLOCK + 1, width // _BLOCK + 1), np.uint8)
        labels_hw = blocks.repeat(_BLOCK, 0).repeat(_BLOCK, 1)[:height, :width]
        return EvaluationFrame(str(number), frame_bgr, np.ascontiguousarray(labels_hw))

    return EvaluationSet("coco-stuff", words, count, lambda: map(read, range(count)), read=read)


def set_segmenter(segmenter: Segmenter, protocol: Protocol) -> None:
    """As the protocol has it, but for windows of the bundle's size and random words."""
    config = config_of(protocol)
    segmenter.windows = Windows(None, protocol.short_side)
    decide_by(segmenter, config.words)
    shape = (len(protocol.rows), segmenter.manifest.embedding_width)
    text_kd = np.random.default_rng(0).standard_normal(shape, np.float32)
    text_kd /= np.linalg.norm(text_kd, axis=1, keepdims=True)
    words = tuple(word for word, _ in protocol.rows)
    labels = np.array([label for _, label in protocol.rows], np.uint8)
    classes = tuple(of_class[0] for of_class in protocol.words)
    segmenter.classes = TextQueries(classes, (), words, text_kd, labels)


def run_graph(segmenter: Segmenter, dataset: EvaluationSet) -> Callable[[], None]:
    """What runs every window of every picture, and nothing else; the pictures are read before."""
    pictures = [segmenter.preprocess(frame.frame_bgr) for frame in dataset.open()]

    def run() -> None:
        for prepared in pictures:
            segmenter.infer(prepared, units="pixel")

    return run


def read_rss_mib() -> float:
    """What the process holds now; NaN where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return float("nan")
    return pages * 4096 / 2**20


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the process."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure_ratios(
    alone: Callable[[], object], whole: Callable[[], object], rounds: int
) -> dict[str, float]:
    """Both in turn, after a first turn that does not count; medians."""
    alone()
    turns: Iterator[tuple[float, ...]] = ((*_timed(alone), *_timed(whole)) for _ in range(rounds))
    walls, cpus, whole_walls, whole_cpus = zip(*turns, strict=True)
    ratio = [one / other for one, other in zip(whole_walls, walls, strict=True)]
    cpu_ratio = [one / other for one, other in zip(whole_cpus, cpus, strict=True)]
    return {
        "graph_s": statistics.median(walls),
        "whole_s": statistics.median(whole_walls),
        "wall_ratio": statistics.median(ratio),
        "graph_cpu_s": statistics.median(cpus),
        "whole_cpu_s": statistics.median(whole_cpus),
        "cpu_ratio": statistics.median(cpu_ratio),
    }


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print and write the JSON record."""
    check_writable(arguments.json)
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    dataset = noise_set(arguments.size, arguments.pictures)
    protocol = protocol_of(arguments.protocol, dataset)
    set_segmenter(subject.segmenter, protocol)
    predict = predictor_of(subject.segmenter, protocol)
    first = next(iter(dataset.open()))
    predict.begin(first.frame_bgr[:64, :64], ["pixel"])  # what a session holds once it has run
    session_mib = read_rss_mib()
    kinds: list[Kind] = ["pixel"]
    score_set(predict, dataset, kinds)
    peak_mib = read_peak_rss_mib() or float("nan")
    record: dict[str, Any] = {
        "bundle": subject.describe(),
        "protocol": protocol.name,
        "classes": len(dataset.words),
        "size_wh": list(arguments.size),
        "session_mib": session_mib,
        "peak_over_session_mib": peak_mib - session_mib,
        **measure_ratios(
            run_graph(subject.segmenter, dataset),
            lambda: score_set(predict, dataset, kinds),
            arguments.rounds,
        ),
        **describe_measurement(arguments),
    }
    print(
        f"{len(dataset.words)} classes at {arguments.size[0]}x{arguments.size[1]}: "
        f"{record['wall_ratio']:.3f} of the graph's time ({record['cpu_ratio']:.3f} of its "
        f"processor time), {record['peak_over_session_mib']:.0f} MiB over the session's"
    )
    if arguments.json:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
