"""``python -m benchmarks.figures``: what a model sees and how it learned, as PNG files.

Units colored per unit, a grid from CLIP's dense features to the truth, similarity maps of typed
words, training curves. Scenes come from namespaces that training never draws from; CamVid's frames
are drawn only into a folder outside any repository.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figures.curves import draw_curves
from benchmarks.figures.grid import draw_grid, parse_stage, plan_stages
from benchmarks.figures.metrics_log import RunMetrics, find_metrics, newest_run, read_metrics
from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import (
    Picture,
    check_outside_repositories,
    draw_scenes,
    parse_scenes,
    read_camvid,
)
from benchmarks.figures.png import LIMIT_BYTES, write_png
from benchmarks.figures.similarity import draw_similarity, parse_words
from benchmarks.figures.units import draw_units
from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from runtime.flag_values import size_wh

PROG = "python -m benchmarks.figures"
REPOSITORY = Path(__file__).resolve().parents[2]
FIGURES = ("units", "grid", "similarity", "curves")
# Chosen for what the scenes show (a street, a bicyclist, boats, a wood), not for how a model does.
SCENES = {"units": "8,6,14", "grid": "8,6,14,16", "similarity": "8,16,compositions-0"}
WORDS = "car,sky,tree,purple bus"
CAMVID_WORDS = "car,sky,tree,road"

EXAMPLES = f"""examples:
  {PROG}
  {PROG} --only similarity --words "car,person,green dog" --scenes 8,compositions-1
  {PROG} --only grid --stage +object=runs/o/last.pt --stage +region=runs/or/last.pt \\
      --stage +pixel=runs/orp/last.pt
  {PROG} --only curves --run runs/demo --run runs/other
  {PROG} --camvid-out /tmp/camvid-figures --root path/to/camvid_val
"""


def parse_figures(text: str) -> list[str]:
    """``units,curves`` -> the names of figures, each known."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FIGURES:
            raise argparse.ArgumentTypeError(
                f"{name!r} is not a figure; expected some of {','.join(FIGURES)}"
            )
    return names


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
    add("--size", type=size_wh(16), help="input size (default: what the run's export would use)")
    add("--camvid-out", type=Path, metavar="DIR", help="also draw CamVid frames, into this folder")
    add("--root", type=Path, help="CamVid's folder (else $CAMVID_ROOT)")
    return parser


def collect_runs(named: Sequence[Path], wanted: bool) -> list[RunMetrics]:
    """Metrics of the named runs, else of the newest; none to be found is an error if ``wanted``."""
    paths = [find_metrics(run) for run in named]
    if not paths:
        newest = newest_run(Path("runs"))
        if newest is None and wanted:
            raise UserError("no runs/*/metrics.jsonl here; name a run's folder with --run")
        if newest is None:
            print("curves: left out, no runs/*/metrics.jsonl here", file=sys.stderr)
            return []
        paths = [newest]
    return [read_metrics(path) for path in paths]


def draw_model(options: argparse.Namespace, names: Sequence[str]) -> None:
    """The figures that need a checkpoint, on generated scenes and on CamVid where asked for."""
    camvid = read_camvid(options.root) if options.camvid_out else []
    view = CheckpointView(options.checkpoint, options.size)
    stages = plan_stages(view, options.stage, options.size) if "grid" in names else []
    draw: dict[str, Callable[[list[Picture], list[str]], np.ndarray]] = {
        "units": lambda pictures, _: draw_units(view, pictures),
        "grid": lambda pictures, _: draw_grid(stages, pictures),
        "similarity": lambda pictures, words: draw_similarity(view, pictures, words),
    }
    for name in names:
        pictures = draw_scenes(options.scenes or parse_scenes(SCENES[name]))
        words = options.words or parse_words(WORDS)
        save(options.out / f"{name}.png", draw[name](pictures, words))
        if camvid:
            words = options.words or parse_words(CAMVID_WORDS)
            save(options.camvid_out / f"camvid_{name}.png", draw[name](camvid, words), None)


def run(arguments: Sequence[str]) -> None:
    """Check everything that can be wrong, then draw; prints each file with its size."""
    options = build_parser().parse_args(arguments)
    # open_clip warns on the root logger of weights that come later, from the checkpoint.
    logging.getLogger().setLevel(logging.ERROR)
    names = [name for name in FIGURES if name in (options.only or FIGURES)]
    if options.camvid_out:
        check_outside_repositories(options.camvid_out)
    runs = []
    if "curves" in names:
        names.remove("curves")
        runs = collect_runs(options.run, wanted=bool(options.only))
    if names:
        draw_model(options, names)
    if runs:
        save(options.out / "curves.png", draw_curves(runs))


def save(path: Path, image_bgr: np.ndarray, limit_bytes: int | None = LIMIT_BYTES) -> None:
    """Write a figure and say so."""
    print(f"{path}  {write_png(path, image_bgr, limit_bytes) / 1000:.0f} kB", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(PROG, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
