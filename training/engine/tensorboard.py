"""Figures and pictures for TensorBoard: ``tensorboard --logdir runs``."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.engine.trackers import Tracker


def has_tensorboard() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("tensorboard") is not None


def named_figures(values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a measurement by ``phase/name``; those within another by ``phase/name/inner``.

    >>> dict(named_figures({"phase": "mgca", "step": 3, "leg": "x", "iou": {"car": 0.5}}))
    {'mgca/iou/car': 0.5}
    """
    yield from _figures(values["phase"], {k: v for k, v in values.items() if k != "step"})


def _figures(place: str, values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _figures(f"{place}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{place}/{name}", float(value)


class TensorBoard(Tracker):
    """Event files, which TensorBoard reads while they grow.

    Args:
        folder: of the files; a resumed run adds one.
    """

    shows_pictures = True

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def write(self, values: dict[str, Any]) -> None:
        """Add the numbers to their curves."""
        for name, value in named_figures(values):
            self.writer.add_scalar(name, value, values["step"])

    def show(self, name: str, step: int, picture_hw3: np.ndarray) -> None:
        """Add a picture, and make sure that what was written can be seen."""
        self.writer.add_image(name, picture_hw3, step, dataformats="HWC")
        self.writer.flush()

    def end(self) -> None:
        """Write out what still waits."""
        self.writer.flush()

    def close(self) -> None:
        """Write out what still waits, and end the thread that writes."""
        self.writer.close()
