"""The command line of ``mgca-rt``: its flags, their checks, and errors of one line."""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Sequence

from runtime.command import CommandParser
from runtime.errors import UserError

DESCRIPTION = """\
Open-vocabulary segmentation of a camera, a video or images: name the classes, get their masks.
Without a source it segments the demo clip and writes mgca-demo.mp4."""

EXAMPLES = """\
examples:
  mgca-rt
  mgca-rt --camera 0 --classes person,car --show
  mgca-rt --video drive.mp4 --classes 'sky,road,car=car|van|taxi' --out overlay.mp4
  mgca-rt --video rtsp://user:password@host/stream --classes person --jsonl - --rle
  mgca-rt --images frames/ --classes sky,road,tree --background none --label-dir labels/
  mgca-rt cache list        the TensorRT engines kept on this machine (cache clear removes them)

exit codes: 0 done, 1 failed while running, 2 wrong arguments, 3 the camera or stream is gone,
130 stopped by Ctrl-C or SIGTERM (every output is closed first)"""


class ArgumentParser(CommandParser):
    """The commands' parser; an argument without a flag is told which flag a source needs."""

    def _describe_unknown(self, argument: str) -> str:
        if argument.startswith("-"):
            return super()._describe_unknown(argument)
        return (
            f"unexpected argument {argument!r}; a source needs its flag: --video {argument} or "
            f"--images {argument}"
        )


def build_parser() -> ArgumentParser:
    """The parser of ``mgca-rt``."""
    parser = ArgumentParser(
        prog="mgca-rt",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n\n{_list_backends()}",
    )
    _add_source(parser)
    _add_words(parser)
    _add_outputs(parser)
    _add_running(parser)
    return parser


def _list_backends() -> str:
    """The names that ``--backend`` takes, none of them broken at a hyphen."""
    from runtime.backends.open import BACKEND_NAMES

    names = textwrap.fill(
        ", ".join(BACKEND_NAMES),
        width=96,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return f"backends, for --backend:\n{names}"


def _add_source(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("source", "one of these; without any, the demo clip")
    group.add_argument(
        "--camera", metavar="N", help="a camera, by number or device: --camera 0, /dev/video2"
    )
    group.add_argument(
        "--video",
        metavar="FILE_OR_URL",
        help="a video file or address: --video drive.mp4, rtsp://host/stream, https://host/a.m3u8",
    )
    group.add_argument(
        "--images",
        metavar="DIR_OR_GLOB",
        nargs="+",
        help="images: --images frames/ or --images 'drive/**/*.jpg'",
    )
    group.add_argument(
        "--every", metavar="N", type=_whole(1), default=1, help="only each Nth frame: --every 5"
    )
    group.add_argument(
        "--max-frames", metavar="N", type=_whole(1), help="stop after N frames: --max-frames 100"
    )
    group.add_argument(
        "--image-fps",
        metavar="F",
        type=_number(0.01, 1000),
        default=15.0,
        help="frame rate given to --images in --out and time_s: --image-fps 10 (default 15)",
    )
    group.add_argument(
        "--camera-size",
        metavar="WxH",
        type=_size,
        help="ask the camera for this size: --camera-size 1280x720",
    )
    group.add_argument(
        "--live",
        choices=("auto", "yes", "no"),
        default="auto",
        help="whether an address is live (drop old frames, reconnect) or a file (read every frame "
        "once): --live yes (default auto)",
    )
    group.add_argument(
        "--reconnect-timeout",
        metavar="S",
        type=_number(0, math.inf),
        help="seconds a camera or stream may be away: --reconnect-timeout 60 "
        "(default 10 at the start, unlimited later)",
    )


def _add_words(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("words")
    group.add_argument(
        "--classes",
        metavar="A,B",
        help="the classes, with synonyms after '=': --classes 'person,car=car|van|taxi'",
    )
    group.add_argument(
        "--classes-file",
        metavar="FILE",
        help="the same, one class a line, # begins a remark: --classes-file street.txt",
    )
    group.add_argument(
        "--background",
        metavar="auto|none|A,B",
        default="auto",
        help="words that compete for the pixels of no class: --background wall,floor "
        "(default auto, the bundle's list; none: every pixel gets a class)",
    )
    group.add_argument(
        "--threshold",
        metavar="T",
        type=_number(0, 1),
        default=0.0,
        help="least probability of a pixel's class, below it is 255: --threshold 0.5 (default 0)",
    )
    group.add_argument(
        "--units",
        choices=("adaptive", "pixel"),
        default="adaptive",
        help="what meets the text: --units pixel (default adaptive)",
    )
    group.add_argument(
        "--allow-unknown",
        action="store_true",
        help="also take words the model never learned: --classes zebra --allow-unknown",
    )


def _add_outputs(parser: ArgumentParser) -> None:
    group = parser.add_argument_group(
        "outputs",
        "any mix. A missing folder is made (but none directly under /); a file that exists is "
        "replaced when the first new frame is ready",
    )
    group.add_argument(
        "--out", metavar="FILE.mp4", help="overlay video, without sound: --out overlay.mp4"
    )
    group.add_argument(
        "--label-dir",
        metavar="DIR",
        help="an 8-bit PNG a frame, value = place in --classes, 255 = none: --label-dir labels/",
    )
    group.add_argument(
        "--jsonl", metavar="FILE", help="a JSON line a frame, - for stdout: --jsonl areas.jsonl"
    )
    group.add_argument(
        "--rle", action="store_true", help="masks in --jsonl as COCO RLE: --jsonl a.jsonl --rle"
    )
    group.add_argument(
        "--report", metavar="FILE", help="a JSON summary at the end: --report report.json"
    )
    group.add_argument("--show", action="store_true", help="a window: --camera 0 --show")


def _add_running(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument(
        "--bundle", metavar="DIR", help="the model: --bundle bundles/street (default: the demo's)"
    )
    group.add_argument(
        "--backend",
        metavar="NAME",
        default="auto",
        help="what runs it: --backend onnxruntime (default auto; all names stand below)",
    )
    group.add_argument(
        "--threads", metavar="N", type=_whole(1), help="processor threads to use: --threads 2"
    )
    group.add_argument("--quiet", action="store_true", help="no progress, summary or warnings")
    group.add_argument("--version", action="store_true", help="print the version and leave")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse and check; raises ``UserError``. What needs a file or the model is checked later."""
    options = build_parser().parse_args(arguments)
    sources = [f"--{name}" for name in ("camera", "video", "images") if getattr(options, name)]
    empty = [name for name in ("camera", "video") if getattr(options, name) == ""]
    if empty:
        raise UserError(f"--{empty[0]} is empty; see mgca-rt --help for an example")
    if len(sources) > 1:
        raise UserError(f"{' and '.join(sources)} cannot go together; give one source")
    if options.classes is not None and options.classes_file is not None:
        raise UserError("--classes and --classes-file cannot go together; give one of them")
    if sources and options.classes is None and options.classes_file is None:
        raise UserError(f"{sources[0]} needs the classes to look for: --classes person,car")
    if options.rle and options.jsonl is None:
        raise UserError("--rle needs --jsonl FILE to write the masks to")
    return options


def _whole(least: int):
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}, not {text!r}")
        return value

    return read


def _number(least: float, most: float):
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            span = f"from {least:g} to {most:g}" if most < math.inf else f">= {least:g}"
            raise argparse.ArgumentTypeError(f"expected a number {span}, not {text!r}")
        return value

    return read


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1280x720, not {text!r}")
    return int(width), int(height)
