"""``python -m benchmarks.frame_time``: from the flags to a table, a record and a picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.frame_time.measurement import measure_bundles
from benchmarks.frame_time.picture import draw
from benchmarks.frame_time.text import format_record
from benchmarks.latency.footage import check_inputs
from benchmarks.latency.machine import warning_of
from benchmarks.record.files import check_writable, write_json, write_text
from benchmarks.record.measurement import run_measurement
from runtime.bundle import Bundle, load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.frame_time"


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description=(
            "Say where a frame's time goes: decoding, preprocess, encoder, decoder, units and "
            "scores, postprocess."
        ),
        epilog=(
            f"examples:\n  {PROG} --json frame_time.json --figure frame_time.svg\n"
            f"  {PROG} --bundle before=bundles/mine --bundle now=bundles/mine-fp16 --threads 2"
        ),
    )
    add = parser.add_argument
    add(
        "--bundle", action="append", metavar="[NAME=]DIR",
        help="folder made by python -m export (the demo's); several are run in turn",
    )  # fmt: skip
    add("--video", help="file, or folder of images, to read frames from (default: the demo clip)")
    add("--classes", help="as mgca-rt takes them (default: the demo's)")
    add("--background", default="auto", help="as mgca-rt takes it (auto)")
    add("--backend", default="onnxruntime-cpu", help="as mgca-rt takes it (onnxruntime-cpu)")
    add("--threads", type=whole_number(1), default=1, help="inside the graph (1)")
    add("--frames", type=whole_number(1), default=60, help="to measure (60)")
    add("--warmup", type=whole_number(0), default=5, help="frames run before (5)")
    add("--no-matrix-rate", action="store_true", help="leave out the machine's own matrix rate")
    add("--json", type=Path, help="write the figures to this file")
    add("--figure", type=Path, metavar="FILE.svg", help="draw them into this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout, write the record and the picture.

    Raises:
        UserError: wrong arguments, or a bundle whose parts cannot be told.
        MgcaError: a graph failed.
    """
    if find_spec("onnx") is None:
        raise UserError("this needs the package onnx, which is not installed; pip install onnx")
    check_writable(arguments.json)
    check_writable(arguments.figure, "--figure")
    arguments.video = check_inputs(arguments.video, arguments.classes)
    record = measure_bundles(arguments, read_bundles(arguments.bundle))
    print(format_record(record))
    warning = warning_of(record["machine"])
    if warning is not None:
        print(warning, file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.figure:
        write_text(arguments.figure, draw(record), "--figure")


def read_bundles(given: Sequence[str] | None) -> dict[str, Bundle]:
    """``NAME=DIR`` or ``DIR``, each -> name to bundle; without a name the folder's own.

    Raises:
        UserError: no bundle there, or two of one name.
    """
    bundles: dict[str, Bundle] = {}
    for text in given or [f"shipped={DEMO_BUNDLE}"]:
        name, named, folder = text.partition("=")
        if not named or Path(text).is_dir():
            name, folder = Path(text).resolve().name, text
        if not name or name in bundles:
            raise UserError(
                f"--bundle {text}: {'no name' if not name else f'a second one named {name}'}; give "
                "each a name of its own, --bundle NAME=DIR"
            )
        bundles[name] = load_bundle(Path(folder))
    return bundles


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
