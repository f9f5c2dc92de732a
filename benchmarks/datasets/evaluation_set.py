"""Frames with exact truth, and the words that the truth's values stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from runtime.confusion_matrix import IGNORE
from training.data.streetworld import Scene


@dataclass(frozen=True)
class EvaluationFrame:
    """One frame with its truth.

    Attributes:
        name: tells it from the set's other frames.
        frame_bgr: uint8 (h, w, 3).
        labels_hw: uint8 (h, w), positions in the set's words; other values are no truth.
    """

    name: str
    frame_bgr: np.ndarray
    labels_hw: np.ndarray


@dataclass(frozen=True)
class EvaluationSet:
    """Frames that can be gone through again.

    Attributes:
        name: ``dataset`` of a record.
        words: what the label values stand for, in their order.
        count: how many frames there are.
        open: gives the frames from the first on, the same every time.
        settings: what chose the frames, ready for JSON.
        version: of a set whose frames may change, else None.
        ignore_label: the truth's value for pixels without a class; 255 always is one as well.
        compositions: gives scenes with pairs of color and noun that no training caption held;
            None where there are none.
        read: gives the frame of a number, from 0; None where only going through them does.
    """

    name: str
    words: tuple[str, ...]
    count: int
    open: Callable[[], Iterator[EvaluationFrame]]
    settings: dict[str, Any] = field(default_factory=dict)
    version: str | None = None
    ignore_label: int = IGNORE
    compositions: Callable[[], Iterator[Scene]] | None = None
    read: Callable[[int], EvaluationFrame] | None = None

    def open_at(self, first: int) -> Iterator[EvaluationFrame]:
        """The frames from number ``first`` on, counted from 0."""
        if self.read is None or first == 0:
            return islice(self.open(), first, None)
        return map(self.read, range(first, self.count))

    def truth_of(self, frame: EvaluationFrame) -> np.ndarray:
        """A frame's labels, uint8 (h, w), with 255 wherever there is no truth."""
        labels_hw = frame.labels_hw
        known = (labels_hw < len(self.words)) & (labels_hw != self.ignore_label)
        return np.where(known, labels_hw, np.uint8(IGNORE))


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which frames of a data set are wanted; each set reads what concerns it.

    Attributes:
        root: folder of a set of files; None: its usual place.
        seed: of a generated set; None: its usual one.
        scenes: how many are generated.
        size_wh: of generated scenes, in pixels.
        frames: first and last of a clip, counted from 1, both in; None: all.
    """

    root: Path | None = None
    seed: int | None = None
    scenes: int = 200
    size_wh: tuple[int, int] = (320, 240)
    frames: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A name that ``--dataset`` takes.

    Attributes:
        name: on the command line.
        summary: a few words for ``--help``.
        open: gives the selected frames; raises ``UserError`` where they are not there.
        seed: that stands where none is given.
    """

    name: str
    summary: str
    open: Callable[[Selection], EvaluationSet]
    seed: int = 0
