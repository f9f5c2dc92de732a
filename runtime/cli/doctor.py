"""``mgca-rt doctor``: what this machine has, which backend would run, and a short self-test."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from runtime.backends.open import BACKEND_NAMES
from runtime.bundle import load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.flag_values import number
from runtime.plain_json import json_text

PROG = "mgca-rt doctor"
_EXAMPLES = """\
examples:
  mgca-rt doctor
  mgca-rt doctor --json
  mgca-rt doctor --bundle bundles/mine --backend onnxruntime-cpu --seconds 10

Each line is ok, missing (no fault: an optional part, with what installs it) or broken (here, but it
does not work). Cameras are asked, not switched on. The self-test opens the bundle as a run does, so
that it also makes the choice of a backend where none is remembered.

exit codes: 0 done, 1 the self-test failed, 2 wrong arguments"""
_WIDEST = 120

__all__ = ["run_doctor"]


def run_doctor(arguments: Sequence[str]) -> int:
    """Run the subcommand with what stands behind ``mgca-rt doctor``; gives the exit code."""
    parser = CommandParser(
        prog=PROG, description="Report what this machine has, and test it.", epilog=_EXAMPLES
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--bundle", metavar="DIR", help="a bundle's folder (default: the demo's)")
    parser.add_argument(
        "--backend",
        metavar="NAME",
        choices=BACKEND_NAMES,
        default="auto",
        help="what runs the self-test: --backend openvino (default auto)",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=number(0, 3600),
        default=5.0,
        help="how long frames are segmented: --seconds 10 (default 5; 0 leaves the test out)",
    )
    options = parser.parse_args(list(arguments))
    if options.bundle is not None:
        load_bundle(options.bundle, verify=False)  # another's is an argument; ours is a finding
    from runtime.doctor.diagnosis import diagnose

    with _progress() as progress:
        diagnosis = diagnose(
            options.bundle or DEMO_BUNDLE, options.backend, options.seconds, progress
        )
    if options.json:
        print(json_text(diagnosis.as_record()), end="")
    else:
        from runtime.doctor.page import write_page

        print(write_page(diagnosis, min(shutil.get_terminal_size().columns, _WIDEST)), end="")
    return 0 if diagnosis.passed else 1


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being looked at, on the last line of a terminal."""
    shows = sys.stderr is not None and sys.stderr.isatty()

    def tell(section: str) -> None:
        if shows:
            print(f"\r\x1b[Klooking at: {section}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
