"""Look at StreetWorld: contact sheet, statistics, speed, and the moving clip."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from runtime.flag_values import number, size_wh, whole_number
from training.data.streetworld.exposure import EXPOSURES
from training.data.streetworld.rng import NAMESPACES
from training.data.streetworld.scene import Origin
from training.data.streetworld.variants import VARIANTS

PROG = "python -m training.data.streetworld"
_EXAMPLES = f"""examples:
  {PROG} sheet --out sheet.png --scenes 24 --labels
  {PROG} sheet --variant tiles --scenes 18
  {PROG} stats --scenes 2000
  {PROG} bench --scenes 500
  {PROG} clip --out demo.mp4 --masks masks/
"""


_SIZE = size_wh(least=16)
_COUNT = whole_number(least=1)
_SEED = whole_number(least=0)
_SECONDS = number(least=0.1, most=600)


def build_parser() -> CommandParser:
    """The commands and their flags."""
    parser = CommandParser(prog=PROG, description=__doc__, epilog=_EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("sheet", "scenes with their captions on one picture"),
        ("stats", "what is visible, named and together"),
        ("bench", "scenes a second on one core"),
        ("clip", "the moving scene as a video"),
    ):
        command = commands.add_parser(name, help=text, description=text, epilog=_EXAMPLES)
        _add_flags(command, name)
    return parser


def _add_flags(command: argparse.ArgumentParser, name: str) -> None:
    space = "demo" if name == "clip" else "train"
    command.add_argument("--seed", type=_SEED, default=0, help="the first scene's seed")
    if name != "bench":
        names = NAMESPACES if name != "clip" else tuple(n for n in NAMESPACES if n != "train")
        command.add_argument("--namespace", choices=names, default=space, help="stream of seeds")
    if name != "clip":
        text = "what scenes are like (default: singles for training scenes, else evaluation)"
        command.add_argument("--variant", choices=tuple(VARIANTS), help=text)
        text = "how suns are exposed (default: v1 for training scenes, else v2)"
        command.add_argument("--exposure", choices=tuple(EXPOSURES), help=text)
        scenes = {"sheet": 24, "stats": 1000, "bench": 400}[name]
        command.add_argument("--scenes", type=_COUNT, default=scenes, help="how many")
    if name != "stats":
        size = (640, 480) if name == "clip" else (128, 96)
        command.add_argument("--size", type=_SIZE, default=size, help="width x height")
    if name in ("sheet", "clip"):
        default = Path(f"streetworld.{'png' if name == 'sheet' else 'mp4'}")
        command.add_argument("--out", type=Path, default=default, help="the file to write")
    if name == "sheet":
        command.add_argument("--labels", action="store_true", help="show the masks beside")
    if name == "clip":
        command.add_argument("--masks", type=Path, help="folder for the exact masks")
        command.add_argument("--seconds", type=_SECONDS, default=7.0, help="length")
        command.add_argument("--fps", type=_COUNT, default=15, help="frames a second")


def origin_of(options: argparse.Namespace) -> Origin:
    """Where the scenes come from that the flags ask for."""
    namespace = getattr(options, "namespace", "train")
    variant, exposure = ("singles", "v1") if namespace == "train" else ("evaluation", "v2")
    return Origin(namespace, options.variant or variant, options.exposure or exposure)


def make_sheet(options: argparse.Namespace) -> None:
    """Writes the contact sheet."""
    import cv2

    from training.data.streetworld.sheet import draw_sheet

    seeds = range(options.seed, options.seed + options.scenes)
    sheet = draw_sheet(
        seeds,
        origin=origin_of(options),
        size_wh=options.size,
        labels=options.labels,
        columns=4 if options.labels else 6,
    )
    try:
        written = cv2.imwrite(str(options.out), sheet[..., ::-1])
    except cv2.error:
        written = False
    if not written:
        raise UserError(f"--out {options.out} cannot be written; name a .png in a folder you own")
    print(options.out)


def print_statistics(options: argparse.Namespace) -> None:
    """Prints the table of what is visible and named."""
    from training.data.streetworld.statistics import count_scenes, format_statistics

    print(format_statistics(count_scenes(options.scenes, origin_of(options), options.seed)))


def measure_speed(options: argparse.Namespace) -> None:
    """Prints scenes a second of one core, and of processor time where the core is shared."""
    import cv2

    from training.data.streetworld.scene import generate_pair

    origin = origin_of(options)
    rules: Any = {"variant": origin.variant, "exposure": origin.exposure, "size_wh": options.size}
    cv2.setNumThreads(1)
    for seed in range(options.seed, options.seed + 40):
        generate_pair(seed, **rules)
    wall, cpu = time.perf_counter(), time.process_time()
    for seed in range(options.seed, options.seed + options.scenes):
        generate_pair(seed, **rules)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    width, height = options.size
    print(f"{width}x{height}: {options.scenes / wall:.0f} scenes/s on one core", end="")
    print(f" ({options.scenes / cpu:.0f} by processor time)")


def make_clip(options: argparse.Namespace) -> None:
    """Writes the moving scene."""
    from training.data.streetworld.clip import write_clip

    if options.size[0] % 2 or options.size[1] % 2:
        raise UserError("--size must be even numbers for H.264, e.g. 640x480")
    try:
        frames = write_clip(
            options.out,
            options.masks,
            seed=options.seed,
            namespace=options.namespace,
            seconds=options.seconds,
            fps=options.fps,
            size_wh=options.size,
        )
    except OSError as error:
        raise UserError(f"--out {options.out} cannot be written ({error}); name another") from error
    print(f"{options.out}: {frames} frames")


def run(arguments: Sequence[str]) -> None:
    """Does what the arguments ask for."""
    options = build_parser().parse_args(arguments)
    commands = {
        "sheet": make_sheet,
        "stats": print_statistics,
        "bench": measure_speed,
        "clip": make_clip,
    }
    commands[options.command](options)


if __name__ == "__main__":
    raise SystemExit(run_command(PROG, run))
