"""What makes labels of scores beside their maximum: scale, thresholds, least areas; exact, at full
size.

The thresholds of published protocols are held against probabilities that are made *after* scores
are enlarged to the picture's size, and so are those here: two passes over the rows of scores, each
enlarged when it is looked at, so that the words' number costs time and no memory. Where nothing but
``threshold`` is asked for, :mod:`runtime.segment.labelling` labels, many times as fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from runtime.bundle.limits import PRESENCE
from runtime.errors import UserError
from runtime.segment.labelling import count_labels, label_pixels
from runtime.segment.presence import step_back
from runtime.segment.windows import RowScores
from runtime.segment.word_scores import Scores, ShiftedScores
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

Probability = Literal["softmax", "sigmoid"]
#: TCL's (Cha et al., CVPR 2023) logistic of a cosine: its slope, and the cosine that is one half.
SIGMOID_SLOPE, SIGMOID_CENTER = 10.0, 0.25

__all__ = ["Decision", "Probability", "label_as_decided", "sigmoid_of"]


@dataclass(frozen=True)
class Decision:
    """How scores become labels; what is not set changes nothing.

    Attributes:
        logit_scale: what cosines are multiplied by before a softmax; positive.
        threshold: least probability in [0, 1] of a pixel's word, the softmax made on the grid of
            scores and enlarged (of windows: made at full size); under it the pixel is 255.
        background_threshold: the same in [0, 1], of a probability that is made of enlarged scores.
        background_probability: which: ``softmax`` over all words, or ``sigmoid``, each word by
            itself: ``1 / (1 + exp(-10 (cosine - 0.25)))``.
        least_area: in [0, 1]: a class with no more than this share of the pixels that any class has
            gets none, and its pixels the likeliest of the rest.
        presence: from 0 to 10: how far words that nothing in the picture shows step back, before
            anything else is decided (:mod:`runtime.segment.presence`).

    Raises:
        UserError: a value is out of its range.
    """

    logit_scale: float = 1.0
    threshold: float = 0.0
    background_threshold: float = 0.0
    background_probability: Probability = "softmax"
    least_area: float = 0.0
    presence: float = 0.0

    def __post_init__(self) -> None:
        for name in ("threshold", "background_threshold", "least_area"):
            if not 0.0 <= float(getattr(self, name)) <= 1.0:
                what = "a share" if name == "least_area" else "a probability"
                raise UserError(f"{name} is {getattr(self, name)}; expected {what} from 0 to 1")
        if not 0.0 <= float(self.presence) <= PRESENCE:
            raise UserError(
                f"presence is {self.presence}; expected a number from 0 to {PRESENCE:g}"
            )
        if not 0.0 < float(self.logit_scale) < float("inf"):
            raise UserError(f"logit_scale is {self.logit_scale}; expected a positive number")
        if self.background_probability not in get_args(Probability):
            raise UserError(
                f"background_probability is {self.background_probability!r}; expected softmax or "
                "sigmoid"
            )

    def changed(self, **values: Any) -> Decision:
        """The same with other values; :class:`UserError` for a name or a value that it lacks."""
        known = [field.name for field in fields(self)]
        for name in values:
            if name not in known:
                raise UserError(f"{name} decides nothing; expected some of {', '.join(known)}")
        return replace(self, **values)


def label_as_decided(
    scores: Scores | RowScores,
    label_of_row: np.ndarray,
    size_wh: tuple[int, int],
    decision: Decision,
) -> np.ndarray:
    """Labels uint8 (H, W) out of scores float32 (K, h', w').

    Args:
        scores: cosines of the words.
        label_of_row: uint8 (K,), the label of each word, 255 for none of the classes.
        size_wh: of the labels.
        decision: how they are decided.
    """
    shifted = step_back(scores, label_of_row, decision.presence, decision.logit_scale)
    beyond = decision.background_threshold or decision.least_area
    if beyond or isinstance(shifted, RowScores):
        return _FullSize(shifted, label_of_row, size_wh, decision).label()
    return label_pixels(
        shifted,
        label_of_row,
        size_wh,
        logit_scale=decision.logit_scale,
        threshold=decision.threshold,
    )


class _FullSize:
    """One frame's scores, looked at row by row at the size of the labels."""

    def __init__(
        self,
        scores: Scores | ShiftedScores | RowScores,
        label_of_row: np.ndarray,
        size_wh: tuple[int, int],
        decision: Decision,
    ) -> None:
        self.scores = scores
        self.label_of_row = label_of_row
        self.size_wh = size_wh
        self.decision = decision

    def label(self) -> np.ndarray:
        """The labels, uint8 (H, W)."""
        decision = self.decision
        labels_hw, best_hw = self._winners(None)
        dropped = self._too_small(labels_hw)
        top_hw = best_hw
        if dropped.any():
            labels_hw, best_hw = self._winners(~dropped[self.label_of_row])
        by_softmax = decision.background_probability == "softmax"
        least = max(decision.threshold, decision.background_threshold if by_softmax else 0.0)
        if least > 0.0:
            labels_hw[self._chance_of(best_hw, top_hw) < least] = NONE_LABEL
        if decision.background_threshold > 0.0 and not by_softmax:
            labels_hw[sigmoid_of(best_hw) <= decision.background_threshold] = NONE_LABEL
        return labels_hw

    def _rows(self) -> Iterator[np.ndarray]:
        """Each row of scores at full size, bilinear, half-pixel centers: float32 (H, W)."""
        import cv2
        import numpy as np

        scores = self.scores
        for row in range(len(self.label_of_row)):
            if isinstance(scores, RowScores):
                grid = scores.row(row)
            else:
                grid = scores[row : row + 1, 0 : scores.shape[1]][0]
            grid = np.ascontiguousarray(grid, np.float32)
            yield cv2.resize(grid, self.size_wh, interpolation=cv2.INTER_LINEAR)

    def _winners(self, kept: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The label of the best word, the first one on a tie, and its score, of each pixel.

        ``kept`` bool (K,): the words to choose among; None: all.
        """
        import numpy as np

        best_hw = np.full(self.size_wh[::-1], -np.inf, np.float32)
        labels_hw = np.full(self.size_wh[::-1], NONE_LABEL, np.uint8)
        for row, scores_hw in enumerate(self._rows()):
            if kept is not None and not kept[row]:
                continue
            np.copyto(labels_hw, self.label_of_row[row], where=scores_hw > best_hw)
            np.maximum(best_hw, scores_hw, out=best_hw)
        return labels_hw, best_hw

    def _too_small(self, labels_hw: np.ndarray) -> np.ndarray:
        """Bool (256,): labels whose area is not enough; none where no pixel has such a one."""
        import numpy as np

        if not self.decision.least_area:
            return np.zeros(256, bool)
        areas = count_labels(labels_hw)
        areas[NONE_LABEL] = 0.0
        found: np.ndarray = areas <= self.decision.least_area * areas.sum()
        found[NONE_LABEL] = False
        return found if areas[found].any() else np.zeros(256, bool)

    def _chance_of(self, best_hw: np.ndarray, top_hw: np.ndarray) -> np.ndarray:
        """The softmax, over all words, of the word whose score is ``best_hw``: float32 (H, W).

        ``top_hw`` is the highest score of all words, which keeps exponentials in range.
        """
        import numpy as np

        scale = np.float32(self.decision.logit_scale)
        total_hw = np.zeros_like(best_hw)
        for scores_hw in self._rows():
            scores_hw -= top_hw
            scores_hw *= scale
            total_hw += np.exp(scores_hw, out=scores_hw)
        chance: np.ndarray = np.exp((best_hw - top_hw) * scale) / total_hw
        return chance


def sigmoid_of(cosines_hw: np.ndarray) -> np.ndarray:
    """The probability in (0, 1) of a word by itself, of its cosines: float32 (h, w) both."""
    import numpy as np

    value: np.ndarray = 1 / (1 + np.exp((SIGMOID_CENTER - cosines_hw) * SIGMOID_SLOPE))
    return value
