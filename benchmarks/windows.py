"""``python -m benchmarks.windows``: what windows, and thresholds at full size, cost.

A bundle's windows are slid by the runtime over pictures that hold more and more of them; bundles
with windows in their graph (``--in-graph``) take their own frames. Time is that of the process on
one thread, so that other work on the machine does not count; all take turns, and of the ratios to
one window within a round the median is taken.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.flag_values import size_wh, whole_number
from runtime.segment.frames import RawScores
from runtime.segment.windows import Windows, places

PROG = "python -m benchmarks.windows"
#: Columns and rows of windows, half a window apart.
GRIDS = ((1, 1), (2, 1), (2, 2), (4, 2), (5, 3))
_WORDS = 20
#: What decides beside the highest score: values of Decision.
DECISIONS: dict[str, dict[str, float]] = {
    "highest score": {},
    "--threshold 0.1": {"threshold": 0.1},
    "--background-threshold 0.1": {"background_threshold": 0.1},
    "--least-area 0.05": {"least_area": 0.05},
}

Case = tuple[int, Callable[[], object]]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what windows, and thresholds at full size, cost on this machine.",
        epilog=f"example:\n  {PROG} --bundle bundles/windows --in-graph bundles/slide",
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="slid over pictures by the runtime (the demo's)")
    add("--in-graph", type=Path, action="append", default=[], help="a bundle with windows of its "
        "own; may be repeated")  # fmt: skip
    add("--source", type=size_wh(16), default=(1280, 720), help="frame to label (1280x720)")
    add("--rounds", type=whole_number(1), default=9, help="frames of each (9)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def draw_picture(width: int, height: int) -> np.ndarray:
    """Soft patches of color: uint8 (height, width, 3)."""
    small = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def open_segmenter(bundle: Path | None, stack: ExitStack) -> Segmenter:
    """On one thread of ONNX Runtime, asked for some of the bundle's own words."""
    opened = stack.enter_context(Segmenter.load(bundle, "onnxruntime-cpu", threads=1))
    words = opened.text_embedder.vocabulary.names[:_WORDS]
    opened.set_classes(list(words), background="none", allow_unknown=True)
    return opened


def window_cases(segmenter: Segmenter) -> dict[str, Case]:
    """Number of windows, and a call that runs a picture of so many, by their grid."""
    wide, tall = segmenter.manifest.input.size_wh
    stride = min(wide, tall) // 2
    windows = Windows(stride)
    cases: dict[str, Case] = {}
    for columns, rows in GRIDS:
        size = wide + (columns - 1) * stride, tall + (rows - 1) * stride
        picture, count = draw_picture(*size), len(list(places(size, (wide, tall), stride)))
        assert count == columns * rows

        def run(picture: np.ndarray = picture) -> RawScores:
            segmenter.windows = windows
            return segmenter.infer(segmenter.preprocess(picture), "pixel")

        cases[f"runtime, {columns} x {rows}"] = (count, run)
    return cases


def graph_case(segmenter: Segmenter) -> Case:
    """The same of a bundle with windows in its graph."""
    count = segmenter.manifest.created_by.get("windows", {}).get("count", 1)
    picture = draw_picture(*segmenter.manifest.input.size_wh)
    return int(count), lambda: segmenter.infer(segmenter.preprocess(picture), "pixel")


def time_cases(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of the processor for each, in turns; the first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, run in cases.items():
            began = time.process_time()
            run()
            if number:
                spent[name].append(1000 * (time.process_time() - began))
    return spent


def ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median ratio within a round: what slows the machine slows both."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def measure_windows(
    segmenter: Segmenter, in_graph: dict[str, Segmenter], rounds: int
) -> list[dict[str, Any]]:
    """Time of each number of windows, and what one window takes beside a single one."""
    cases = window_cases(segmenter)
    cases |= {f"graph, {name}": graph_case(one) for name, one in in_graph.items()}
    spent = time_cases({name: run for name, (_, run) in cases.items()}, rounds)
    single = spent[next(iter(cases))]
    return [
        {
            "windows_of": name,
            "windows": count,
            "frame_ms": statistics.median(spent[name]),
            "a_window_to_a_single_one": ratio(spent[name], single) / count,
        }
        for name, (count, _) in cases.items()
    ]


def measure_decisions(
    segmenter: Segmenter, source_wh: tuple[int, int], rounds: int
) -> list[dict[str, Any]]:
    """Time of making labels, of the same scores, by each way to decide."""
    segmenter.windows = None
    raw = segmenter.infer(segmenter.preprocess(draw_picture(*source_wh)), "pixel")
    plain = segmenter.decision

    def label(values: dict[str, float]) -> None:
        segmenter.decision = plain.changed(**values)
        segmenter.postprocess(raw)

    spent = time_cases({name: partial(label, values) for name, values in DECISIONS.items()}, rounds)
    first = spent[next(iter(DECISIONS))]
    return [
        {
            "decided_by": name,
            "labels_ms": statistics.median(times),
            "to_highest_score": ratio(times, first),
        }
        for name, times in spent.items()
    ]


def measure(arguments: argparse.Namespace) -> None:
    """Time all, print two tables on stdout and write the JSON record."""
    check_writable(arguments.json)
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        segmenter = open_segmenter(arguments.bundle, stack)
        in_graph = {path.name: open_segmenter(path, stack) for path in arguments.in_graph}
        windows = measure_windows(segmenter, in_graph, arguments.rounds)
        decisions = measure_decisions(segmenter, arguments.source, arguments.rounds)
        bundle = segmenter.bundle.id
    for title, rows in (("windows", windows), ("labels", decisions)):
        print(f"{title}\n{format_table(list(rows[0]), [list(row.values()) for row in rows])}\n")
    if arguments.json is not None:
        record = {
            "bundle": bundle,
            "source_wh": arguments.source,
            "words": _WORDS,
            "rounds": arguments.rounds,
            "windows": windows,
            "decisions": decisions,
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
