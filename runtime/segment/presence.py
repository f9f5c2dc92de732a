"""Words that nothing in the picture shows step back, so that those that are there win their places.

A list of eighty words asks for much that is not in sight, and each pixel meets all of it: a few
places of a dog go to the cat, the bear, the sheep. Which words are there is better told of the
picture than of the pixel. So each word is asked how sure of it the surest places are, beside all
other words, and the logarithm of that is added to its scores everywhere: nothing for a word that
owns a place, much for one that others outdo wherever it is. Where two words were close, the one
that is there wins; an order that is clear stays. It costs nothing that grows with the picture.

Shape legend: k words, h w the grid of scores, n places that are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.windows import RowScores, WindowScores
from runtime.segment.word_scores import Scores, ShiftedScores, StreamedScores

if TYPE_CHECKING:
    import numpy as np

#: The grid is asked at every fourth place of every fourth line: a place a patch.
STRIDE = 4
#: The share of these places that counts as the surest.
SUREST = 0.01
#: No word is held for rarer than this.
LEAST = 1e-4

__all__ = ["measure_presence", "step_back"]


def step_back(
    scores: Scores | RowScores, label_of_row: np.ndarray, strength: float, logit_scale: float
) -> Scores | ShiftedScores | RowScores:
    """Scores with those of absent words lowered; the words' order within a place may change.

    Args:
        scores: cosines (k, h, w).
        label_of_row: uint8 (k,); words of one label are there together.
        strength: what the logarithm of a word's presence is multiplied by; 0 changes nothing.
        logit_scale: what cosines are multiplied by before a softmax.

    Returns:
        Scores of the same shape, put together where they are looked at.
    """
    import numpy as np

    if not strength:
        return scores
    presence_k = measure_presence(scores, label_of_row, logit_scale)
    offset_k = (np.log(presence_k) * (strength / logit_scale)).astype(np.float32)
    if isinstance(scores, (np.ndarray, StreamedScores)):
        return ShiftedScores(scores, offset_k)
    return _ShiftedRows(scores, offset_k)


def measure_presence(
    scores: Scores | RowScores, label_of_row: np.ndarray, logit_scale: float
) -> np.ndarray:
    """How surely each word, with the others of its label, is somewhere in the picture.

    Args:
        scores: cosines (k, h, w).
        label_of_row: uint8 (k,).
        logit_scale: of the softmax over words.

    Returns:
        float32 (k,) in [``LEAST``, 1]: the mean probability at the surest hundredth of the places
        that are asked (at least one).
    """
    import numpy as np

    logits_kn = _ask(scores, len(label_of_row)) * np.float32(logit_scale)
    chances_kn = np.exp(logits_kn - logits_kn.max(axis=0))
    chances_kn /= chances_kn.sum(axis=0)
    presence_k = np.empty(len(label_of_row), np.float32)
    few = max(1, round(SUREST * chances_kn.shape[1]))
    for label in sorted({int(label) for label in label_of_row}):
        own = label_of_row == label
        chance_n = chances_kn[own].sum(axis=0)
        presence_k[own] = np.partition(chance_n, len(chance_n) - few)[-few:].mean()
    return np.clip(presence_k, LEAST, 1.0, out=presence_k)


def _ask(scores: Scores | RowScores, words: int) -> np.ndarray:
    """The scores at the places that are asked: float32 (k, n)."""
    import numpy as np

    if isinstance(scores, WindowScores):
        return np.concatenate([_ask(grid, words) for grid in scores.grids], axis=1)
    if isinstance(scores, StreamedScores):
        places_dn = _thin(scores.embeddings).reshape(len(scores.embeddings), -1)
        return np.asarray(scores.text @ places_dn, np.float32)
    if isinstance(scores, np.ndarray):
        return np.asarray(_thin(scores).reshape(words, -1), np.float32)
    return np.stack([_thin(scores.row(word)).ravel() for word in range(words)])


def _thin(values: np.ndarray) -> np.ndarray:
    """Every fourth line and column, from the middle of the first four; of a small grid, all."""
    height, width = values.shape[-2:]
    down, across = (STRIDE if side >= STRIDE else 1 for side in (height, width))
    return values[..., down // 2 :: down, across // 2 :: across]


@dataclass(frozen=True, eq=False)
class _ShiftedRows:
    """Scores by the row, each with an offset."""

    scores: RowScores
    offset_k: np.ndarray

    def row(self, number: int) -> np.ndarray:
        """The scores of a word: float32 (h, w)."""
        shifted: np.ndarray = self.scores.row(number) + self.offset_k[number]
        return shifted
