"""``python -m benchmarks.accuracy``: a bundle's mIoU on a data set with exact truth.

One confusion matrix over all frames at source resolution, unlabelled truth left out, no background
words, mean over the classes present in the truth. ``--protocol`` scores as published work does
(:mod:`benchmarks.protocols`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.datasets.flags import add_dataset_flags, open_dataset
from benchmarks.protocols.predictor import protocol_predictor
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.registry import PROTOCOLS, protocol_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.active_units import count_active_units
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.ceiling import measure_ceiling
from benchmarks.scoring.compositions import score_compositions
from benchmarks.scoring.controls import CONTROLS, mean_map_predictor, permute_words
from benchmarks.scoring.score import Score, compare_units, score_set
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import whole_number
from runtime.segment.segmenter import Units
from runtime.segment.windows import Windows

PROG = "python -m benchmarks.accuracy"
UNITS: dict[str, tuple[Units, ...]] = {
    "adaptive": ("adaptive",),
    "pixel": ("pixel",),
    "both": ("adaptive", "pixel"),
}


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure a bundle's mIoU (without --bundle: the shipped demo bundle).",
        epilog=f"example:\n  {PROG} --dataset streetworld --scenes 200 --json accuracy.json",
    )
    add_bundle_flags(parser.add_argument)
    add_dataset_flags(parser.add_argument)
    parser.add_argument("--units", choices=tuple(UNITS), default="both")
    parser.add_argument(
        "--protocol",
        choices=tuple(PROTOCOLS),
        help="of published work: fixes size, windows, templates, words, scale and background",
    )
    parser.add_argument(
        "--short-side",
        type=whole_number(1),
        metavar="N",
        help="as mgca-rt: windows of the bundle's input size over frames whose short side is N",
    )
    parser.add_argument(
        "--stride", type=whole_number(1), metavar="N", help="the same, a window every N pixels"
    )
    parser.add_argument(
        "--control",
        choices=CONTROLS,
        help="score a stand-in instead: each place's usual label for every frame, or the words "
        "permuted among the classes",
    )
    parser.add_argument("--no-compositions", action="store_true", help="skip held-out pairs")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    if arguments.protocol and arguments.control:
        raise UserError("--protocol and --control exclude each other; give one of them")
    in_windows = arguments.short_side is not None or arguments.stride is not None
    if arguments.protocol and in_windows:
        raise UserError(f"--protocol {arguments.protocol} has windows of its own; leave these out")
    dataset = open_dataset(arguments)
    protocol = protocol_of(arguments.protocol, dataset) if arguments.protocol else None
    started = time.perf_counter()
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    if in_windows:
        subject.segmenter.windows = Windows(arguments.stride, arguments.short_side)
    scores = score_words(arguments, subject, dataset, protocol)
    record = make_record(arguments, dataset, scores)
    if protocol is not None:
        record["protocol"] = protocol.to_record()
    elif subject.segmenter.windows is not None:
        record["windows"] = asdict(subject.segmenter.windows)
    elif not arguments.control:
        record |= score_more(arguments, subject, dataset, record["miou"])
    record |= {
        "bundle": subject.describe(),
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def score_words(
    arguments: argparse.Namespace,
    subject: BundleUnderTest,
    dataset: EvaluationSet,
    protocol: Protocol | None,
) -> dict[Units, Score]:
    """The score of each kind of unit, with every word of the set asked for, or of a control."""
    units = UNITS[arguments.units]
    if protocol is not None:
        predict = protocol_predictor(subject.segmenter, protocol)
        return score_set(predict, dataset, units, progress=True)
    words = dataset.words
    if arguments.control == "permuted-words":
        words = permute_words(words, arguments.seed)
    predict = subject.predictor(words)
    if arguments.control == "mean-map":
        predict = mean_map_predictor(predict, dataset, units, progress=True)
    return score_set(predict, dataset, units, progress=True)


def score_more(
    arguments: argparse.Namespace, subject: BundleUnderTest, dataset: EvaluationSet, miou: float
) -> dict[str, Any]:
    """What stands beside the mIoU: the grid's ceiling, units in use, held-out compositions.

    Args:
        arguments: the flags.
        subject: with the set's words.
        dataset: frames with their truth.
        miou: that the ceiling is held against, a fraction.
    """
    units = UNITS[arguments.units]
    more: dict[str, Any] = {
        "ceiling": measure_ceiling(dataset, subject.grid_wh, miou, progress=True)
    }
    if "adaptive" in units:
        more["active_units"] = count_active_units(subject, dataset, progress=True)
    if dataset.compositions is not None and not arguments.no_compositions:
        more["compositions"] = score_compositions(
            subject.predictor, dataset.compositions(), units, progress=True
        )
    return more


def make_record(
    arguments: argparse.Namespace, dataset: EvaluationSet, scores: dict[Units, Score]
) -> dict[str, Any]:
    """The figures: the first kind of unit at the top level, each kind under ``by_units``."""
    main = next(iter(scores))
    by_units = {kind: score.to_record() for kind, score in scores.items()}
    record: dict[str, Any] = {"dataset": dataset.name}
    if dataset.version is not None:
        record["version"] = dataset.version
    record |= {**by_units[main], "units": main}
    record |= {"by_units": by_units, "frames": dataset.count, "settings": dataset.settings}
    if len(scores) > 1:
        record |= compare_units(scores)
    if arguments.control:
        record["control"] = arguments.control
    return record


def format_record(record: dict[str, Any]) -> str:
    """The record as tables in percent, as papers print it."""
    title = f"{record.get('version', record['dataset'])}, {record['frames']} frames" + (
        f", control {record['control']}" if "control" in record else ""
    )
    if "protocol" in record:
        title += f", protocol {record['protocol']['name']} (its own figures are those of pixel)"
    parts = [title, format_ious(record), *format_comparisons(record)]
    if "compositions" in record:
        parts.append(format_compositions(record["compositions"]))
    return "\n\n".join(parts)


def format_ious(record: dict[str, Any]) -> str:
    """The IoU of every class by kind of unit as a table in percent, with the means below."""
    kinds = list(record["by_units"])
    rows: list[list[object]] = []
    for name in record["iou"]:
        rows.append([name, *(100 * record["by_units"][kind]["iou"][name] for kind in kinds)])
    for title, key in (("mIoU", "miou"), ("boundary F", "boundary_f")):
        rows.append([title, *(100 * record["by_units"][kind][key] for kind in kinds)])
    return format_table(["IoU %", *kinds], rows)


def format_comparisons(record: dict[str, Any]) -> list[str]:
    """A sentence for each of the figures that stand beside the mIoU."""
    said = []
    if "miou_gain" in record:
        low, high = (100 * value for value in record["miou_gain_ci95"])
        gain = 100 * record["miou_gain"]
        said.append(f"adaptive ahead of pixel by {gain:.2f} points (95 %: {low:.2f} to {high:.2f})")
    if "ceiling" in record:
        best, (wide, tall) = record["ceiling"], record["ceiling"]["grid_wh"]
        said.append(
            f"the truth through the {wide}x{tall} grid: {100 * best['miou']:.2f}; "
            f"{100 * best['reached']:.1f} % of it reached"
        )
    if "active_units" in record:
        found = record["active_units"]
        said.append(
            f"units in use: {found['plainest_tenth']:.1f} in the plainest tenth of the frames, "
            f"{found['busiest_tenth']:.1f} in the busiest, {found['ratio']:.1f} times"
        )
    return said


def format_compositions(compositions: dict[Units, dict[str, Any]]) -> str:
    """The held-out pairs as a table in percent."""
    kinds = list(compositions)
    phrases = list(compositions[kinds[0]]["iou"])
    rows: list[list[object]] = [
        [phrase, *(100 * compositions[kind]["iou"][phrase] for kind in kinds)] for phrase in phrases
    ]
    for title, key in (("mIoU", "miou"), ("right color", "right_color")):
        rows.append([title, *(100 * float(compositions[kind][key]) for kind in kinds)])
    return format_table(["held-out pairs, IoU %", *kinds], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
