"""Figures and pictures for Weights & Biases, where a project is named (``log.wandb``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from runtime.errors import UserError
from training.engine.tensorboard import named_figures
from training.engine.trackers import Tracker


class WandbRun(Tracker):
    """A run of a project; ``WANDB_MODE=offline`` keeps it on disk (``wandb sync`` sends it later).

    Args:
        project: its name.
        folder: the run's; a resumed run goes on under the same name.
        settings: the whole configuration, as JSON types.

    Raises:
        UserError: the package is not installed, or cannot begin (no login, no network).
    """

    shows_pictures = True

    def __init__(self, project: str, folder: Path, settings: dict[str, Any]) -> None:
        try:
            import wandb
        except ImportError:
            raise UserError(
                f"log.wandb is '{project}', and the package wandb is not installed; pip install "
                "wandb, or leave log.wandb out"
            ) from None
        self.wandb = wandb
        try:
            self.run = wandb.init(
                project=project,
                name=folder.name,
                dir=str(folder),
                config=settings,
                settings=wandb.Settings(silent=True, console="off"),
            )
        except wandb.Error as error:
            raise UserError(
                f"wandb cannot begin a run of project '{project}' ({error}); wandb login, or set "
                "WANDB_MODE=offline"
            ) from error
        for phase in ("pretrain", "mgca"):
            self.run.define_metric(f"{phase}/*", step_metric=f"{phase}/step")

    def write(self, values: dict[str, Any]) -> None:
        """Add the numbers to their curves."""
        figures = dict(named_figures(values))
        self.run.log({**figures, f"{values['phase']}/step": values["step"]})

    def show(self, name: str, step: int, picture_hw3: np.ndarray) -> None:
        """Add a picture."""
        phase = name.partition("/")[0]
        self.run.log({name: self.wandb.Image(picture_hw3), f"{phase}/step": step})

    def close(self) -> None:
        """Send what still waits."""
        self.run.finish()
