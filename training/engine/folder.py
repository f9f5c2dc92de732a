"""A run's folder: ``config.json``, ``metrics.jsonl``, ``last.pt``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from runtime.atomic_write import write_whole
from runtime.errors import UserError
from training.config.run import TrainConfig
from training.config.values import to_dict
from training.engine.tensorboard import TensorBoard, has_tensorboard
from training.engine.trackers import JsonLines, ProgressBar, ProgressLines, Tracker, Trackers
from training.engine.wandb_run import WandbRun

LAST, SETTINGS, FIGURES = "last.pt", "config.json", "metrics.jsonl"


def open_trackers(
    folder: Path, config: TrainConfig | None = None, *, show_progress: bool
) -> Trackers:
    """Where a run's figures go: into its folder, onto stderr (on a terminal as a bar), and wherever
    ``config.log`` says, if there is one.

    Raises:
        UserError: ``log.wandb`` names a project, and there is no wandb, or it cannot begin.
    """
    trackers: list[Tracker] = [JsonLines(folder / FIGURES)]
    if config and config.log.tensorboard and has_tensorboard():
        trackers.append(TensorBoard(folder / "tensorboard"))
    if config and config.log.wandb:
        trackers.append(WandbRun(config.log.wandb, folder, to_dict(config)))
    if show_progress:
        trackers.append(ProgressBar() if sys.stderr.isatty() else ProgressLines())
    return Trackers(trackers)


def make_folder(folder: Path, config: TrainConfig, *, keep: bool) -> None:
    """Make a run's folder with its ``config.json``.

    Args:
        folder: where.
        config: the whole run's.
        keep: a ``config.json`` that is there stays, since ``config`` is of the rest of the run.

    Raises:
        UserError: it cannot be written.
    """
    path = folder / SETTINGS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (keep and path.exists()):
            write_whole(path, (json.dumps(to_dict(config), indent=2) + "\n").encode())
        remove_abandoned(folder)
    except OSError as error:
        raise UserError(
            f"run folder '{folder}' cannot be written ({error.strerror}); choose another --runs"
        ) from error


def remove_abandoned(folder: Path) -> None:
    """Remove what killed runs have left of checkpoints: each is as large as a whole one.

    Those of a process that lives stay: it may be writing.
    """
    for path in folder.glob(f".{LAST}.*.part"):
        process = path.name.removeprefix(f".{LAST}.").partition(".")[0]
        if process.isdecimal() and not _lives(int(process)):
            path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
