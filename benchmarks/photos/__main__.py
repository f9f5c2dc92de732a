"""``python -m benchmarks.photos``: a bundle's labels on photographs with masks of things.

Three figures (:mod:`benchmarks.photos.questions`), each one confusion matrix over all photographs
at their own size, mean over the values that the truth shows, with adaptive units, pixels and fixed
groups side by side, and what a random word gets.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.datasets.flags import frame_range
from benchmarks.datasets.folder import USUAL_PLACE, open_folder
from benchmarks.photos.contact_sheet import draw_sheet
from benchmarks.photos.labellers import COLOR_WEIGHT, KINDS, PLACE_WEIGHT, PhotoLabeller
from benchmarks.photos.questions import BACKGROUND, FIGURES
from benchmarks.photos.scores import Tally, score_photographs
from benchmarks.photos.tables import format_record
from benchmarks.record.drawing import check_sheet
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.photos"
EXAMPLES = f"""examples:
  {PROG} --root path/to/photographs --json photos.json
  {PROG} --bundle bundles/mine --root path/to/photographs --units adaptive,pixel --limit 20
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure a bundle on photographs with masks of things, words in sight asked.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--root", type=Path, help=f"folder of the photographs ({USUAL_PLACE})")
    add("--limit", type=whole_number(1), help="only so many photographs, from the first on")
    add("--frames", type=frame_range, help="or a range of them, counted from 1, e.g. 1-50")
    add("--units", default="adaptive,pixel", help=f"some of {','.join(KINDS)} (adaptive,pixel)")
    add("--slots", type=whole_number(1), default=16, help="how many fixed groups, 16")
    add("--sheet", type=Path, metavar="FILE.png", help="draw the best and the worst photographs")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print tables on stdout and write the JSON record."""
    check_writable(arguments.json)
    kinds = choose_names(arguments.units, KINDS, "--units")
    if arguments.sheet:
        check_sheet(arguments.sheet)
        check_writable(arguments.sheet, "--sheet")
    folder = open_folder(arguments.root, arguments.frames, arguments.limit)
    started = time.perf_counter()
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    labeller = PhotoLabeller(subject.segmenter, kinds, arguments.slots)
    tallies = score_photographs(folder, labeller, progress=True)
    if not tallies:
        raise UserError(f"{folder.root}: no photograph shows a name and a pixel with truth")
    if arguments.sheet:
        figure = next(iter(tallies))
        draw_sheet(arguments.sheet, folder, labeller, tallies[figure])
    record = {
        **make_record(tallies, labeller),
        "dataset": folder.root.resolve().name,
        "photographs": len(folder.photographs),
        "bundle": subject.describe(),
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def make_record(tallies: dict[str, Tally], labeller: PhotoLabeller) -> dict[str, Any]:
    """The figures and what they were measured with; ``miou`` is that of the first of each."""
    figures = {figure: tally.to_record() for figure, tally in tallies.items()}
    first = labeller.kinds[0]
    settings: dict[str, Any] = {"background": list(BACKGROUND)}
    if "groups" in labeller.kinds:
        settings["groups"] = {
            "slots": labeller.slots,
            "color_weight": COLOR_WEIGHT,
            "place_weight": PLACE_WEIGHT,
        }
    return {
        "miou": {name: found["by_units"][first]["miou"] for name, found in figures.items()},
        "units": first,
        "figures": {name: figures[name] for name in FIGURES if name in figures},
        "settings": settings,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
