"""``python -m benchmarks.accuracy``: a bundle's mIoU on generated scenes or on CamVid's clip.

One confusion matrix over all frames at source resolution, unlabelled truth left out, no background
words, mean over the classes present in the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.active_units import count_active_units
from benchmarks.ceiling import measure_ceiling
from benchmarks.compositions import score_compositions
from benchmarks.datasets import (
    DEMO_CLIP_SEED,
    EvaluationSet,
    camvid_set,
    demo_clip_set,
    generate_scenes,
    shipped_clip_set,
    streetworld_set,
)
from benchmarks.flags import parse_count, parse_frames, parse_seed, parse_size
from benchmarks.measurement import describe_measurement, run_measurement
from benchmarks.report import check_writable, format_table, write_json
from benchmarks.scoring import (
    CONTROLS,
    Score,
    compare_units,
    mean_map_predictor,
    permute_words,
    score_set,
)
from benchmarks.subject import BundleUnderTest
from runtime.command import CommandParser
from runtime.segment.segmenter import Units

PROG = "python -m benchmarks.accuracy"
DATASETS = ("streetworld", "camvid", "demo-clip", "shipped-clip")
UNITS: dict[str, tuple[Units, ...]] = {
    "adaptive": ("adaptive",),
    "pixel": ("pixel",),
    "both": ("adaptive", "pixel"),
}
COMPOSITION_SHARE = 4  # a scene of held-out compositions for every 4 scenes


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure a bundle's mIoU (without --bundle: the shipped demo bundle).",
        epilog=f"example:\n  {PROG} --dataset streetworld --scenes 200 --json accuracy.json",
    )
    add_dataset_flags(parser.add_argument)
    parser.add_argument("--units", choices=tuple(UNITS), default="both")
    parser.add_argument(
        "--control",
        choices=CONTROLS,
        help="score a stand-in instead: each place's usual label for every frame, or the words "
        "permuted among the classes",
    )
    parser.add_argument("--no-compositions", action="store_true", help="skip held-out pairs")
    return parser


def add_dataset_flags(add: Callable[..., object]) -> None:
    """The flags of every command that scores a bundle on frames with truth."""
    add("--bundle", type=Path, help="folder made by python -m export")
    add("--dataset", choices=DATASETS, default="streetworld")
    add("--root", type=Path, help="CamVid's folder (else $CAMVID_ROOT)")
    add("--seed", type=parse_seed, help="which generated scenes, 0; which street, the clip's")
    add("--scenes", type=parse_count, default=200, help="how many of them")
    add("--size", type=parse_size, default=(320, 240), help="their width x height, 320x240")
    add("--frames", type=parse_frames, help="of CamVid, counted from 1, e.g. 1-50")
    add("--backend", default="auto")
    add("--threads", type=parse_count, help="of the backend")
    add("--json", type=Path, help="write the figures to this file")


def fill_seed(arguments: argparse.Namespace) -> None:
    """The dataset's own ``--seed`` where none is given."""
    if arguments.seed is None:
        arguments.seed = DEMO_CLIP_SEED if arguments.dataset == "demo-clip" else 0


def open_set(arguments: argparse.Namespace) -> EvaluationSet:
    """The evaluation set that the flags describe."""
    if arguments.dataset == "camvid":
        return camvid_set(arguments.root, arguments.frames)
    if arguments.dataset == "demo-clip":
        return demo_clip_set(arguments.seed)
    if arguments.dataset == "shipped-clip":
        return shipped_clip_set()
    return streetworld_set(arguments.seed, arguments.scenes, arguments.size)


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    fill_seed(arguments)
    dataset = open_set(arguments)
    units = UNITS[arguments.units]
    started = time.perf_counter()
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    words = dataset.words
    if arguments.control == "permuted-words":
        words = permute_words(words, arguments.seed)
    predict = subject.predictor(words)
    if arguments.control == "mean-map":
        predict = mean_map_predictor(predict, dataset, units, progress=True)
    scores = score_set(predict, dataset, units, progress=True)
    record = make_record(arguments, dataset, scores)
    if not arguments.control:
        record["ceiling"] = measure_ceiling(dataset, subject.grid_wh, record["miou"], progress=True)
        if "adaptive" in units:
            record["active_units"] = count_active_units(subject, dataset, progress=True)
    if dataset.name == "streetworld" and not arguments.control and not arguments.no_compositions:
        scenes = generate_scenes(
            arguments.seed,
            max(1, arguments.scenes // COMPOSITION_SHARE),
            arguments.size,
            namespace="compositions",
        )
        record["compositions"] = score_compositions(subject.predictor, scenes, units, progress=True)
    record |= {
        "bundle": subject.describe(),
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def make_record(
    arguments: argparse.Namespace, dataset: EvaluationSet, scores: dict[Units, Score]
) -> dict[str, Any]:
    """The figures: the first kind of unit at the top level, each kind under ``by_units``."""
    main = next(iter(scores))
    by_units = {kind: score.to_record() for kind, score in scores.items()}
    record: dict[str, Any] = {"dataset": dataset.name, **by_units[main], "units": main}
    record |= {"by_units": by_units, "frames": dataset.count, "settings": dataset.settings}
    if len(scores) > 1:
        record |= compare_units(scores)
    if arguments.control:
        record["control"] = arguments.control
    return record


def format_record(record: dict[str, Any]) -> str:
    """The record as tables in percent, as papers print it."""
    kinds = list(record["by_units"])
    rows: list[list[object]] = []
    for name in record["iou"]:
        rows.append([name, *(100 * record["by_units"][kind]["iou"][name] for kind in kinds)])
    for title, key in (("mIoU", "miou"), ("boundary F", "boundary_f")):
        rows.append([title, *(100 * record["by_units"][kind][key] for kind in kinds)])
    title = f"{record['dataset']}, {record['frames']} frames" + (
        f", control {record['control']}" if "control" in record else ""
    )
    parts = [title, format_table(["IoU %", *kinds], rows)]
    if "miou_gain" in record:
        low, high = (100 * value for value in record["miou_gain_ci95"])
        gain = 100 * record["miou_gain"]
        parts.append(
            f"adaptive ahead of pixel by {gain:.2f} points (95 %: {low:.2f} to {high:.2f})"
        )
    if "ceiling" in record:
        best, (wide, tall) = record["ceiling"], record["ceiling"]["grid_wh"]
        parts.append(
            f"the truth through the {wide}x{tall} grid: {100 * best['miou']:.2f}; "
            f"{100 * best['reached']:.1f} % of it reached"
        )
    if "active_units" in record:
        found = record["active_units"]
        parts.append(
            f"units in use: {found['plainest_tenth']:.1f} in the plainest tenth of the frames, "
            f"{found['busiest_tenth']:.1f} in the busiest, {found['ratio']:.1f} times"
        )
    if "compositions" in record:
        parts.append(format_compositions(record["compositions"]))
    return "\n\n".join(parts)


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
