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
from benchmarks.scoring.accuracy_text import format_record
from benchmarks.scoring.active_units import count_active_units
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.ceiling import measure_ceiling
from benchmarks.scoring.compositions import score_compositions
from benchmarks.scoring.controls import CONTROLS, mean_map_predictor, permute_words
from benchmarks.scoring.pamr import TCL_DILATIONS
from benchmarks.scoring.score import Kind, Predictor, Score, compare_units
from benchmarks.scoring.tally import score_set
from benchmarks.scoring.unfinished import Unfinished
from benchmarks.scoring.worst_frames import check_drawing, draw_confusions, draw_worst
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import whole_number, whole_numbers
from runtime.segment.windows import Windows

PROG = "python -m benchmarks.accuracy"
UNITS: dict[str, tuple[Kind, ...]] = {
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
        "--refine",
        choices=("pamr",),
        help="score pixels refined by colors as well, as a kind beside the units",
    )
    parser.add_argument(
        "--pamr-dilations",
        type=whole_numbers,
        metavar="LIST",
        help="distances of its neighbors on the bundle's grid, in windows in pixels "
        "(1,2,4,8,12,24); a protocol has its own",
    )
    parser.add_argument(
        "--control",
        choices=CONTROLS,
        help="score a stand-in instead: each place's usual label for every frame, or the words "
        "permuted among the classes",
    )
    parser.add_argument("--no-compositions", action="store_true", help="skip held-out pairs")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on where an evaluation with this --json broke off",
    )
    parser.add_argument(
        "--confusion", type=Path, metavar="FILE.png", help="draw the confusion matrix"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="draw the worst frames with their truth"
    )
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    _check_flags(arguments)
    dataset = open_dataset(arguments)
    protocol = protocol_of(arguments.protocol, dataset) if arguments.protocol else None
    started = time.perf_counter()
    dilations = _dilations(arguments, protocol)
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads, dilations)
    if _in_windows(arguments):
        subject.segmenter.windows = Windows(arguments.stride, arguments.short_side)
    predict = make_predictor(arguments, subject, dataset, protocol)
    unfinished = _unfinished(arguments, subject, dataset, protocol)
    scores = score_set(predict, dataset, _kinds(arguments), progress=True, unfinished=unfinished)
    draw_pictures(arguments, predict, dataset, scores)
    record = make_record(arguments, dataset, scores)
    if arguments.refine:
        record["pamr_dilations"] = list(dilations)
    if protocol is not None:
        record["protocol"] = describe_protocol(protocol, subject)
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
    if unfinished is not None:
        unfinished.remove()


def _check_flags(arguments: argparse.Namespace) -> None:
    """Refuse flags that exclude each other or would do nothing; raises UserError."""
    if arguments.protocol and arguments.control:
        raise UserError("--protocol and --control exclude each other; give one of them")
    if arguments.protocol and _in_windows(arguments):
        raise UserError(f"--protocol {arguments.protocol} has windows of its own; leave these out")
    if arguments.protocol and arguments.pamr_dilations:
        raise UserError(
            f"--protocol {arguments.protocol} has dilations of its own; leave out --pamr-dilations"
        )
    if arguments.pamr_dilations and not arguments.refine:
        raise UserError(
            "--pamr-dilations would do nothing: it says how --refine pamr refines; give both"
        )
    if arguments.resume and (arguments.json is None or str(arguments.json) == "-"):
        raise UserError("--resume needs the --json FILE of the evaluation that broke off")
    for flag in ("confusion", "sheet"):
        check_drawing(getattr(arguments, flag), f"--{flag}")


def _in_windows(arguments: argparse.Namespace) -> bool:
    return arguments.short_side is not None or arguments.stride is not None


def _kinds(arguments: argparse.Namespace) -> tuple[Kind, ...]:
    kinds = UNITS[arguments.units]
    return (*kinds, "pamr") if arguments.refine else kinds


def _dilations(arguments: argparse.Namespace, protocol: Protocol | None) -> tuple[int, ...]:
    if protocol is not None:
        return protocol.refinement.dilations
    return tuple(arguments.pamr_dilations or TCL_DILATIONS)


def make_predictor(
    arguments: argparse.Namespace,
    subject: BundleUnderTest,
    dataset: EvaluationSet,
    protocol: Protocol | None,
) -> Predictor:
    """What labels a frame, with every word of the set asked for; or a control."""
    if protocol is not None:
        return protocol_predictor(subject.segmenter, protocol)
    words = dataset.words
    if arguments.control == "permuted-words":
        words = permute_words(words, arguments.seed)
    predict = subject.predictor(words)
    if arguments.control == "mean-map":
        return mean_map_predictor(predict, dataset, _kinds(arguments), progress=True)
    return predict


def _unfinished(
    arguments: argparse.Namespace,
    subject: BundleUnderTest,
    dataset: EvaluationSet,
    protocol: Protocol | None,
) -> Unfinished | None:
    """Where counts are kept until the record is written; without a file for that nowhere."""
    if arguments.json is None or str(arguments.json) == "-":
        return None
    evaluation = {
        "bundle": subject.describe(),
        "dataset": [dataset.name, dataset.version, dataset.count, list(dataset.words)],
        "settings": dataset.settings,
        "kinds": list(_kinds(arguments)),
        "dilations": list(subject.dilations),
        "control": arguments.control,
        "protocol": protocol.to_record() if protocol else None,
        "windows": [arguments.stride, arguments.short_side],
    }
    path = arguments.json.with_name(f"{arguments.json.name}.unfinished")
    return Unfinished(path, evaluation, arguments.resume)


def describe_protocol(protocol: Protocol, subject: BundleUnderTest) -> dict[str, Any]:
    """All that a protocol fixes, and what of it the bundle has otherwise."""
    found = subject.segmenter.manifest.clip.position_resize
    return {**protocol.to_record(), "position_resize_of_bundle": found}


def draw_pictures(
    arguments: argparse.Namespace,
    predict: Predictor,
    dataset: EvaluationSet,
    scores: dict[Kind, Score],
) -> None:
    """The pictures that were asked for."""
    if arguments.confusion is not None:
        draw_confusions(arguments.confusion, scores)
    if arguments.sheet is not None:
        draw_worst(arguments.sheet, predict, dataset, scores)


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
    units = _kinds(arguments)
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
    arguments: argparse.Namespace, dataset: EvaluationSet, scores: dict[Kind, Score]
) -> dict[str, Any]:
    """The figures: the first kind of unit at the top level, each kind under ``by_units``."""
    main = next(iter(scores))
    by_units = {kind: score.to_record() for kind, score in scores.items()}
    record: dict[str, Any] = {"dataset": dataset.name}
    if dataset.version is not None:
        record["version"] = dataset.version
    record |= {**by_units[main], "units": main}
    record |= {"by_units": by_units, "frames": dataset.count, "settings": dataset.settings}
    if scores.keys() >= {"adaptive", "pixel"}:
        record |= compare_units(scores)
    if arguments.control:
        record["control"] = arguments.control
    return record


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    interrupted = "interrupted; with --json, --resume goes on from the frames that were scored"
    return run_measurement(build_parser(), measure, argv, interrupted=interrupted)


if __name__ == "__main__":
    sys.exit(main())
