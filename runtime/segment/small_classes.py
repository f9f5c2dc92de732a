"""Keeps a small class from coming and going: hysteresis for the few cells that decide it.

Who is far away fills a few cells, won by little, and even the mean over time flickers there. A
cell that a small class has lost gets a bonus for it, as long as its picture has not changed; the
bonus fades, so that what nothing supports goes. A cell whose class has not changed gets none: a
scene that stands keeps its scores to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.contests import winning_rows
from runtime.segment.labelling import count_labels
from runtime.segment.motion import Motion
from runtime.segment.scratch import Scratch
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

#: A class on up to this share of the grid gets the whole bonus, ...
SMALL_SHARE = 0.005
#: ... and from this one on none of it.
LARGE_SHARE = 0.02
#: A cosine, as scores are, and the time constant with which it fades in seconds.
BONUS = 0.05
FADING_S = 1.0

__all__ = ["SmallClassKeeper"]


@dataclass(frozen=True, eq=False)
class _Past:
    """Of each cell: the row that has it, uint8 or uint16 (h', w'), and the bonus it has left."""

    row_of: np.ndarray
    bonus: np.ndarray


class SmallClassKeeper:
    """For one stream, with one list of classes. What is none of the classes is never kept."""

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._past: _Past | None = None

    def forget(self) -> None:
        """The next scores are the first ones."""
        self._past = None

    def state(self) -> dict[str, np.ndarray]:
        """What is known of the past, as arrays of its own; :meth:`resume` takes it."""
        past = self._past
        return {} if past is None else {"row_of": past.row_of.copy(), "bonus": past.bonus.copy()}

    def resume(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        self._past = _Past(state["row_of"].copy(), state["bonus"].copy()) if state else None

    def steady(
        self, scores: np.ndarray, label_of_row: np.ndarray, motion: Motion | None, step_s: float
    ) -> None:
        """Add the bonus where small classes need it.

        Args:
            scores: float32 (K, h', w'), contiguous; changed in place.
            label_of_row: uint8 (K,): the label that each row stands for.
            motion: how the grid follows from the one before; None where it does not.
            step_s: seconds since then.
        """
        import numpy as np

        scratch, past = self._scratch, self._past
        top, row_of = winning_rows(scores, scratch)
        if motion is None or past is None:
            self._past = _Past(row_of.copy(), np.full(row_of.shape, BONUS, np.float32))
            return
        before = motion.carry_nearest(
            past.row_of, scratch.array("before", row_of.shape, row_of.dtype)
        )
        left = motion.carry_nearest(past.bonus, scratch.array("left", top.shape, np.float32))
        was, share_of_bonus, lost = self._find_lost(label_of_row, before, row_of)
        np.copyto(past.row_of, row_of)
        past.bonus.fill(BONUS)
        labels = was.reshape(-1)[lost]
        bonus = left.reshape(-1)[lost] * np.float32(math.exp(-step_s / FADING_S))
        lead = bonus * motion.trust.reshape(-1)[lost] * share_of_bonus[labels]
        for label in np.flatnonzero(np.bincount(labels)):  # np.unique would load numpy.ma
            own = labels == label
            cells = lost[own]
            best, score = _lift(scores, np.flatnonzero(label_of_row == label), cells, lead[own])
            held = score > top.reshape(-1)[cells]
            past.row_of.reshape(-1)[cells[held]] = best[held]
            past.bonus.reshape(-1)[cells[held]] = bonus[own][held]

    def _find_lost(
        self, label_of_row: np.ndarray, before: np.ndarray, row_of: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where small classes have lost a cell.

        Returns:
            The labels of before, uint8 (h', w'); the share of the bonus that each label gets,
            float32 (256,); the cells, positions (n,) in the flattened grid.
        """
        import numpy as np

        scratch, shape = self._scratch, row_of.shape
        was = scratch.array("was", shape, np.uint8)
        now = scratch.array("now", shape, np.uint8)
        lost = scratch.array("lost", shape, bool)
        label_of_row.take(before, out=was, mode="clip")
        label_of_row.take(row_of, out=now, mode="clip")
        areas = count_labels(was) / was.size
        share_of_bonus = np.clip((LARGE_SHARE - areas) / (LARGE_SHARE - SMALL_SHARE), 0.0, 1.0)
        share_of_bonus[NONE_LABEL] = 0.0
        np.not_equal(was, now, out=lost)
        cells = np.flatnonzero(lost)
        is_small = share_of_bonus > 0.0
        cells = cells[is_small[was.reshape(-1)[cells]]]
        return was, share_of_bonus.astype(np.float32), cells


def _lift(
    scores: np.ndarray, rows: np.ndarray, cells: np.ndarray, lead: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Raise the best of a label's rows in each of some cells; those rows, and their scores then."""
    flat = scores.reshape(len(scores), -1)
    best = rows[flat[rows[:, None], cells].argmax(axis=0)]
    flat[best, cells] += lead
    return best, flat[best, cells]
