"""``python -m benchmarks.figures``: what a model sees and how it learned, as PNG files.

Units colored per unit, a grid from CLIP's dense features to the truth, similarity maps of typed
words, training curves. Scenes come from namespaces that training never draws from; CamVid's frames
are drawn only into a folder outside any repository.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures.arguments import (
    CAMVID_WORDS,
    FIGURES,
    PROG,
    SCENES,
    WORDS,
    build_parser,
    parse_scenes,
    parse_words,
)
from benchmarks.figures.metrics_log import RunMetrics, find_metrics, newest_run, read_metrics
from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import (
    Picture,
    check_outside_repositories,
    draw_scenes,
    read_camvid,
)
from runtime.command import run_command
from runtime.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    from benchmarks.figures.grid import draw_grid, plan_stages
    from benchmarks.figures.png import LIMIT_BYTES
    from benchmarks.figures.similarity import draw_similarity
    from benchmarks.figures.units import draw_units

    camvid = read_camvid(options.root) if options.camvid_out else []
    view = CheckpointView(options.checkpoint, options.size)
    stages = plan_stages(view, options.stage, options.size) if "grid" in names else []
    draw: dict[str, Callable[[list[Picture], list[str]], Figure]] = {
        "units": lambda pictures, _: draw_units(view, pictures),
        "grid": lambda pictures, _: draw_grid(stages, pictures),
        "similarity": lambda pictures, words: draw_similarity(view, pictures, words),
    }
    for name in names:
        pictures = draw_scenes(options.scenes or parse_scenes(SCENES[name]))
        words = options.words or parse_words(WORDS)
        save(options.out / f"{name}.png", draw[name](pictures, words), LIMIT_BYTES)
        if camvid:
            words = options.words or parse_words(CAMVID_WORDS)
            save(options.camvid_out / f"camvid_{name}.png", draw[name](camvid, words), None)


def draw_runs(options: argparse.Namespace, runs: Sequence[RunMetrics]) -> None:
    """The figure of training runs."""
    from benchmarks.figures.curves import draw_curves
    from benchmarks.figures.png import LIMIT_BYTES

    save(options.out / "curves.png", draw_curves(runs), LIMIT_BYTES)


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
    if importlib.util.find_spec("matplotlib") is None:
        raise UserError("matplotlib is missing; install the dev extra: pip install -e '.[dev]'")
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}):  # a "$" in a name is a letter
        if names:
            draw_model(options, names)
        if runs:
            draw_runs(options, runs)


def save(path: Path, figure: Figure, limit_bytes: int | None) -> None:
    """Write a figure and say so."""
    from benchmarks.figures.png import write_png

    print(f"{path}  {write_png(path, figure, limit_bytes) / 1000:.0f} kB", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(PROG, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
