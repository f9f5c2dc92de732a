"""The labels of the last scores, for frames to which the same scores are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.segment.decision import Decision
from runtime.segment.word_scores import Scores

if TYPE_CHECKING:
    import numpy as np

__all__ = ["KeptLabels"]


class KeptLabels:
    """Labels of one object of scores at one size, decided in one way.

    They are copied on the way in and out, so that each result owns its labels: a copy takes a
    hundredth of the time that labelling does. May be used by several threads.
    """

    def __init__(self) -> None:
        self._kept: tuple[Scores, tuple[int, int], Decision, np.ndarray] | None = None

    def keep(
        self, labels: np.ndarray, scores: Scores, size_wh: tuple[int, int], decision: Decision
    ) -> None:
        """Keep these labels in place of those before."""
        self._kept = (scores, size_wh, decision, labels.copy())

    def copy_of(
        self, scores: Scores, size_wh: tuple[int, int], decision: Decision
    ) -> np.ndarray | None:
        """The labels of that very object of scores, None if others are kept."""
        kept = self._kept
        if kept is None or kept[0] is not scores or kept[1:3] != (size_wh, decision):
            return None
        return kept[3].copy()
