"""The flags of ``python -m benchmarks.figures``, and what their values mean."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.command import CommandParser
from runtime.flag_values import size_wh

PROG = "python -m benchmarks.figures"
REPOSITORY = Path(__file__).resolve().parents[2]
FIGURES = ("units", "grid", "similarity", "curves")
NAMESPACES = ("eval", "compositions")  # of scenes that training never draws
# Chosen for what the scenes show (a street, a bicyclist, boats, a wood), not for how a model does.
SCENES = {"units": "8,6,14", "grid": "8,6,14,16", "similarity": "8,16,compositions-0"}
WORDS = "car,sky,tree,purple bus"
CAMVID_WORDS = "car,sky,tree,road"
LEAST_SIDE = 16  # pixels of an input

EXAMPLES = f"""examples:
  {PROG}
  {PROG} --only similarity --words "car,person,green dog" --scenes 8,compositions-1
  {PROG} --only grid --stage +object=runs/o/last.pt --stage +region=runs/or/last.pt \\
      --stage +pixel=runs/orp/last.pt
  {PROG} --only curves --run runs/demo --run runs/other
  {PROG} --camvid-out /tmp/camvid-figures --root path/to/camvid_val
"""


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG, description="Draw what a trained model sees.", epilog=EXAMPLES
    )
    add = parser.add_argument
    add(
        "--checkpoint",
        type=Path,
        default=REPOSITORY / "training" / "assets" / "demo.pt",
        help="a run's last.pt (default: the shipped one)",
    )
    add(
        "--out",
        type=Path,
        default=REPOSITORY / "benchmarks" / "results" / "figures",
        help="folder of the PNG files (default: benchmarks/results/figures)",
    )
    add("--only", type=parse_figures, help=f"some of {','.join(FIGURES)} (default: all)")
    add("--scenes", type=parse_scenes, help="evaluation scenes, e.g. 8,14,compositions-0")
    add("--words", type=parse_words, help=f"of the similarity maps (default: {WORDS})")
    add(
        "--stage",
        type=parse_stage,
        action="append",
        default=[],
        metavar="NAME=CHECKPOINT",
        help="a column of the grid, per pixel (again for more); the last one's units follow",
    )
    add(
        "--run",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="run whose curves are drawn (again for more; default: the newest below runs/)",
    )
    add(
        "--size",
        type=size_wh(LEAST_SIDE),
        help="input size (default: what the run's export would use)",
    )
    add("--camvid-out", type=Path, metavar="DIR", help="also draw CamVid frames, into this folder")
    add("--root", type=Path, help="CamVid's folder (else $CAMVID_ROOT)")
    return parser


def parse_figures(text: str) -> list[str]:
    """``units,curves`` -> the names of figures, each known."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FIGURES:
            raise argparse.ArgumentTypeError(
                f"{name!r} is not a figure; expected some of {','.join(FIGURES)}"
            )
    return names


def parse_scenes(text: str) -> list[tuple[str, int]]:
    """``8,compositions-0`` -> [("eval", 8), ("compositions", 0)]."""
    scenes = []
    for part in text.split(","):
        namespace, _, number = part.strip().rpartition("-")
        namespace = namespace or "eval"
        if namespace not in NAMESPACES or not number.isdecimal():
            raise argparse.ArgumentTypeError(
                f"{part.strip()!r} is not a scene; expected a number, e.g. 8 or compositions-0"
            )
        scenes.append((namespace, int(number)))
    return scenes


def parse_words(text: str) -> list[str]:
    """``car,sky,purple bus`` -> its words, lower case."""
    words = [" ".join(word.lower().split()) for word in text.split(",")]
    if not all(words) or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"{text!r}: expected different words between commas")
    return words


def parse_stage(text: str) -> tuple[str, Path]:
    """``+object=runs/object/last.pt`` -> ("+object", its path)."""
    name, separator, path = text.partition("=")
    if not separator or not name.strip() or not path.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a stage; expected NAME=CHECKPOINT, e.g. +object=runs/object/last.pt"
        )
    return name.strip(), Path(path.strip())
