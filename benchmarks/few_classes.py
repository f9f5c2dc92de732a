"""``python -m benchmarks.few_classes``: a few classes asked for, as a user asks, and the rest left.

Where ``benchmarks.accuracy`` gives each pixel one of all the words that have truth, this asks for
some of them with the background that ``mgca-rt`` has by default: what matters is whether they are
found, and whether everything else stays 255.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.datasets.flags import add_dataset_flags, open_dataset
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from benchmarks.scoring.score import each_frame
from runtime.command import CommandParser
from runtime.confusion_matrix import count_confusions
from runtime.errors import UserError

PROG = "python -m benchmarks.few_classes"
EXAMPLES = f"""examples:
  {PROG} --dataset camvid --classes person,car --rest sky,road
  {PROG} --dataset shipped-clip --classes person,car --json clip.json
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how well a few classes are found and everything else is left alone.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add_dataset_flags(add)
    add("--classes", default="person,car", help="asked for; words of the truth, person,car")
    add("--background", default="auto", help="as mgca-rt has it: auto, none, or words")
    add("--rest", help="words of the truth whose pixels should stay 255; else all the others")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def count_few(
    subject: BundleUnderTest,
    dataset: EvaluationSet,
    classes: Sequence[str],
    background: str,
    *,
    progress: bool = False,
) -> np.ndarray:
    """Count the pixels of each word of the truth by what they are called.

    Args:
        subject: labels the frames.
        dataset: frames with their truth.
        classes: words asked for, of the set's.
        background: as ``mgca-rt`` takes it.
        progress: show a bar on a terminal.

    Returns:
        int64 (words, classes + 1); the last column counts those left at 255.
    """
    find = subject.labeller(classes, background)
    counts = np.zeros((len(dataset.words), len(classes) + 1), np.int64)
    for frame in each_frame(dataset, progress):
        labels_hw = np.minimum(find(frame.frame_bgr), len(classes))
        confusion = count_confusions(frame.labels_hw, labels_hw, len(dataset.words))
        counts += confusion[:, : len(classes) + 1]
    return counts


def few_figures(
    counts: np.ndarray, words: Sequence[str], classes: Sequence[str], rest: Sequence[str]
) -> dict[str, Any]:
    """IoU, recall and precision of each class; how much of every other word stays 255.

    Args:
        counts: see :func:`count_few`.
        words: of the truth, its rows.
        classes: asked for, its columns.
        rest: words over whose pixels ``rest_stays`` is taken.

    Returns:
        Fractions; a figure over no pixel is NaN.
    """
    figures: dict[str, Any] = {"iou": {}, "recall": {}, "precision": {}}
    for column, name in enumerate(classes):
        row = words.index(name)
        hits, called, shown = counts[row, column], counts[:, column].sum(), counts[row].sum()
        figures["iou"][name] = _share(hits, called + shown - hits)
        figures["recall"][name] = _share(hits, shown)
        figures["precision"][name] = _share(hits, called)
    stays = {word: counts[row] for row, word in enumerate(words) if word not in classes}
    figures["stays"] = {
        word: _share(row[-1], row.sum()) for word, row in stays.items() if row.sum()
    }
    chosen = counts[np.array([words.index(word) for word in rest], np.int64)].sum(axis=0)
    return {**figures, "rest": list(rest), "rest_stays": _share(chosen[-1], chosen.sum())}


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def format_record(record: dict[str, Any]) -> str:
    """The record as tables in percent."""
    found = [
        [name, *(100 * record[key][name] for key in ("iou", "recall", "precision"))]
        for name in record["iou"]
    ]
    left = [[name, 100 * share] for name, share in record["stays"].items()]
    few = set(record["stays"]) - set(record["rest"])
    name = ", ".join(record["rest"]) if few else "all of these"
    left.append([f"of {name}", 100 * record["rest_stays"]])
    title = f"{record['dataset']}, {record['frames']} frames, background {record['background']}"
    return "\n\n".join(
        (
            title,
            format_table(["%", "IoU", "recall", "precision"], found),
            format_table(["stays 255, %", ""], left),
        )
    )


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print tables on stdout and write the JSON record."""
    check_writable(arguments.json)
    dataset = open_dataset(arguments)
    classes = choose_names(arguments.classes, dataset.words, "--classes")
    others = tuple(word for word in dataset.words if word not in classes)
    rest = choose_names(arguments.rest, dataset.words, "--rest") if arguments.rest else others
    if set(rest) & set(classes):
        raise UserError(f"--rest {arguments.rest} names a class that is asked for; expected others")
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    counts = count_few(subject, dataset, classes, arguments.background, progress=True)
    version = {"version": dataset.version} if dataset.version is not None else {}
    record = {
        "dataset": dataset.name,
        **version,
        "frames": dataset.count,
        "settings": dataset.settings,
        "background": arguments.background,
        **few_figures(counts, dataset.words, classes, rest),
        "bundle": subject.describe(),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
