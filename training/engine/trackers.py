"""Where a run's figures go while it trains: a file of JSON lines, a progress bar.

A tracker is told when a leg begins, of every step and of every measurement, and keeps what it
wants. A new one is one class (as in training.engine.tensorboard) and one more in the list that
``training.engine.folder`` builds.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from runtime.errors import MgcaError
from runtime.paced_lines import PacedLines


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Tracker:
    """What a tracker may be told; this one keeps nothing.

    Attributes:
        shows_pictures: whether it does anything with pictures, which take a while to draw.
    """

    shows_pictures = False

    def begin(self, name: str, step: int, steps: int) -> None:
        """A leg called ``name`` goes on from ``step`` to ``steps``."""

    def advance(self) -> None:
        """One more step has been done."""

    def write(self, values: dict[str, Any]) -> None:
        """A measurement: ``phase``, ``step``, and losses, an evaluation, or ``data``: what was read
        and left out.
        """

    def show(self, name: str, step: int, picture_hw3: np.ndarray) -> None:
        """A picture, uint8 (h, w, 3) RGB, by a name that begins with the phase."""

    def end(self) -> None:
        """The leg is over, or was broken off."""

    def close(self) -> None:
        """The run is over, or was broken off."""


class JsonLines(Tracker):
    """``metrics.jsonl``: a line a measurement, so that a curve can be drawn while the run goes on.

    Args:
        path: the file, which lines are added to. Half a line at its end, which a full disk or a
            power cut has left, is taken away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._checked = False

    def write(self, values: dict[str, Any]) -> None:
        """Append one line; raises ``MgcaError`` where it cannot be written."""
        try:
            if not self._checked:
                _drop_half_line(self.path)
                self._checked = True
            with self.path.open("ab") as file:
                file.write((json.dumps(values) + "\n").encode())
        except OSError as error:
            self._checked = False
            raise MgcaError(
                f"'{self.path}' cannot be written ({error.strerror}); free some space and go on "
                "with --resume latest"
            ) from error


def _drop_half_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


class ProgressBar(Tracker):
    """A bar on stderr with the loss and the rate."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def begin(self, name: str, step: int, steps: int) -> None:
        """Draw a new bar."""
        self.bar = tqdm(total=steps, initial=step, desc=name, unit="step")

    def advance(self) -> None:
        """Move it."""
        if self.bar is not None:
            self.bar.update()

    def write(self, values: dict[str, Any]) -> None:
        """Show the loss beside it."""
        if self.bar is not None and "loss" in values:
            loss, rate = values["loss"], values["images_s"]
            self.bar.set_postfix_str(f"loss {loss:.3f}, {rate:.0f} images/s")

    def end(self) -> None:
        """Leave it as it stands."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class ProgressLines(Tracker):
    """A line on stderr every ten seconds, where that is no terminal."""

    def __init__(self) -> None:
        self.lines: PacedLines | None = None

    def begin(self, name: str, step: int, steps: int) -> None:
        """Count from here."""
        self.lines = PacedLines(_say, f"{name}: step", steps, done=step)

    def advance(self) -> None:
        """Count a step."""
        if self.lines is not None:
            self.lines.advance()

    def write(self, values: dict[str, Any]) -> None:
        """Keep the loss and the rate for the next line."""
        if self.lines is not None and "loss" in values:
            self.lines.note = f"loss {values['loss']:.3f}, {values['images_s']:.0f} images/s"

    def end(self) -> None:
        """Say no more."""
        self.lines = None


class Trackers(Tracker):
    """Several as one.

    Args:
        trackers: each is told everything, in order.
    """

    def __init__(self, trackers: Sequence[Tracker] = ()) -> None:
        self.trackers = tuple(trackers)
        self.shows_pictures = any(tracker.shows_pictures for tracker in self.trackers)

    def begin(self, name: str, step: int, steps: int) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.begin(name, step, steps)

    def advance(self) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.advance()

    def write(self, values: dict[str, Any]) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.write(values)

    def show(self, name: str, step: int, picture_hw3: np.ndarray) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.show(name, step, picture_hw3)

    def end(self) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.end()

    def close(self) -> None:
        """Tell all."""
        for tracker in self.trackers:
            tracker.close()


class InLeg(Trackers):
    """Hands measurements on with a leg's name, and steps counted through all legs of a phase.

    Args:
        tracker: that they go to.
        leg: the leg's name.
        steps_before: steps of the same phase in earlier legs.
    """

    def __init__(self, tracker: Tracker, leg: str, steps_before: int) -> None:
        super().__init__([tracker])
        self.leg = leg
        self.steps_before = steps_before

    def write(self, values: dict[str, Any]) -> None:
        """Hand one on."""
        super().write({**values, "step": self.steps_before + values["step"], "leg": self.leg})

    def show(self, name: str, step: int, picture_hw3: np.ndarray) -> None:
        """Hand one on."""
        super().show(name, self.steps_before + step, picture_hw3)
