"""The flags of ``python -m benchmarks.latency``, and what of them does not fit together."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.latency.gate import check_enough
from benchmarks.record.percentiles import least_count
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import number, whole_number
from runtime.text.queries import MAX_WORDS

PROG = "python -m benchmarks.latency"
#: What the rarest percentile needs.
DEFAULT_FRAMES = least_count(99)
DEFAULT_ROUNDS = 60
DEFAULT_RATIO = 1.05

_EPILOG = f"""examples:
  {PROG} --bundle bundles/mine --frames 700 --json latency.json
  {PROG} --duration 60 --trace trace.json
  {PROG} --against encoder,bundles/mine-fp16
  {PROG} --camera-fps 30 --streams 2
  {PROG} --compare earlier.json --max-p95-ratio 1.05

Percentiles: p90 needs {least_count(90)} frames, p95 {least_count(95)}, p99 {least_count(99)}; \
with fewer it stays empty (null in JSON).
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure a bundle's latency (without --bundle: the shipped demo bundle).",
        epilog=_EPILOG,
    )
    _add_subject(parser)
    _add_length(parser)
    _add_more(parser)
    return parser


def _add_subject(parser: CommandParser) -> None:
    add = parser.add_argument
    add("--bundle", type=Path, help="folder made by python -m export")
    add("--video", help="file, or folder of images, to read frames from (default: the demo clip)")
    add("--classes", help="as mgca-rt takes them (default: the demo's)")
    add("--background", default="auto", help="as mgca-rt takes it (auto)")
    add(
        "--random-words", type=whole_number(1), metavar="N",
        help=f"so many words of random embeddings instead of classes and background, at most "
        f"{MAX_WORDS}",
    )  # fmt: skip
    add("--units", choices=("adaptive", "pixel"), default="adaptive")
    add("--backend", default="auto")
    add("--threads", type=whole_number(1), help="of the backend")


def _add_length(parser: CommandParser) -> None:
    add = parser.add_argument
    add(
        "--frames", type=whole_number(1),
        help=f"to measure ({DEFAULT_FRAMES}, what a p99 needs); with --duration: at most",
    )  # fmt: skip
    add("--duration", type=number(0.001), metavar="S", help="measure for so many seconds instead")
    add("--warmup", type=whole_number(0), default=20, help="frames run before (20)")


def _add_more(parser: CommandParser) -> None:
    add = parser.add_argument
    add("--json", type=Path, help="write the figures to this file")
    add("--trace", type=Path, metavar="FILE", help="write spans that Perfetto opens (JSON)")
    add(
        "--against", metavar="LIST",
        help="others to run in turn on the same frames: encoder (the bundle's own, alone), eager "
        "(the checkpoint in PyTorch), folders of bundles, each with @BACKEND if it is to run on "
        "another; separated by commas",
    )  # fmt: skip
    add("--rounds", type=whole_number(1), help=f"of --against ({DEFAULT_ROUNDS}, or --frames)")
    add("--checkpoint", type=Path, help="of --against eager (default: the shipped one)")
    add("--streams", type=whole_number(1), metavar="N", help="also run N streams on one model")
    add(
        "--camera-fps", type=number(0.01), metavar="F",
        help="also run on frames that arrive at this rate, newest wins: how old are they?",
    )  # fmt: skip
    add("--no-matrix-rate", action="store_true", help="leave out the machine's own matrix rate")
    add("--compare", type=Path, metavar="OLD.json", help="exit 1 if p95 of total is worse than its")
    add(
        "--max-p95-ratio", type=number(0.01),
        help=f"of --compare: this run's p95 may be so many times the old one's ({DEFAULT_RATIO})",
    )  # fmt: skip
    add(
        "--compare-anyway", action="store_true",
        help="also with a record of another machine, size, class list or number of threads",
    )  # fmt: skip


def settle(arguments: argparse.Namespace) -> None:
    """Fill in what was not said, in place.

    Raises:
        UserError: a flag that means nothing without another one, or too few frames for --compare.
    """
    for flag, value, other, needed in (
        ("--max-p95-ratio", arguments.max_p95_ratio, "--compare", arguments.compare),
        ("--compare-anyway", arguments.compare_anyway or None, "--compare", arguments.compare),
        ("--rounds", arguments.rounds, "--against", arguments.against),
        ("--checkpoint", arguments.checkpoint, "--against eager", arguments.against),
    ):
        if value is not None and needed is None:
            raise UserError(f"{flag} says nothing without {other}; give both, or leave it out")
    if arguments.random_words is not None:
        _check_random_words(arguments)
    if arguments.checkpoint is not None and not arguments.checkpoint.is_file():
        raise UserError(
            f"--checkpoint {arguments.checkpoint}: no such file; expected a last.pt written by "
            "python -m training.run"
        )
    if arguments.frames is None and arguments.duration is None:
        arguments.frames = DEFAULT_FRAMES
    if arguments.compare is not None:
        check_enough(arguments.frames)
    if arguments.rounds is None:
        arguments.rounds = min(DEFAULT_ROUNDS, arguments.frames or DEFAULT_ROUNDS)
    if arguments.max_p95_ratio is None:
        arguments.max_p95_ratio = DEFAULT_RATIO


def _check_random_words(arguments: argparse.Namespace) -> None:
    if arguments.random_words > MAX_WORDS:
        raise UserError(
            f"--random-words {arguments.random_words}: at most {MAX_WORDS} fit a stream; give fewer"
        )
    if arguments.classes is not None:
        raise UserError("--random-words stands for --classes; give one of the two")
