"""From scores on the grid to labels at source size: exact, in strips, and cheap.

The definition is plain: upsample every row of scores bilinearly (half-pixel centres, edges
repeated), take the maximum within each group of rows (synonyms of a class; the background), and
label each pixel with the group that is highest, the first one on a tie. Done literally, that
costs K passes over the source image.

Most rows cannot win at most places, and that can be told on the grid without loss: inside a cell
of the grid, an upsampled score is a mean of its four corners with weights that all rows share. So
a row whose highest corner lies below another row's lowest corner cannot win anywhere in that cell.
Rows are dropped by this bound a strip of grid rows at a time; a strip in which only one group is
left is filled without looking at its pixels. The labels are those of the definition (rounding of
float32 apart); grouping *before* upsampling would not be: the mean of a maximum is more than the
maximum of a mean.

Memory: the labels, and a few strips (source width by source height / grid height) of float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NONE_LABEL", "label_pixels", "probabilities"]


@dataclass(frozen=True)
class _Strip:
    """Source rows top..bottom (exclusive) between grid rows ``upper`` and ``lower``."""

    top: int
    bottom: int
    upper: int
    lower: int


def label_pixels(
    scores: np.ndarray,
    label_of_row: np.ndarray,
    size_wh: tuple[int, int],
    *,
    logit_scale: float = 1.0,
    threshold: float = 0.0,
) -> np.ndarray:
    """Labels uint8 (H, W) out of scores float32 (K, h', w').

    ``label_of_row`` uint8 (K,) says which label each row of scores stands for (255: none of the
    classes); rows of one label compete as one. With a ``threshold`` in (0, 1], a pixel whose
    winning row has a probability under it becomes 255; probabilities are the softmax over all K
    rows of ``logit_scale * scores`` on the grid, upsampled bilinearly as the scores are.

    >>> import numpy as np
    >>> scores = np.array([[[0.0, 1.0]], [[0.5, 0.5]]], dtype=np.float32)
    >>> label_pixels(scores, np.array([0, 1], dtype=np.uint8), (4, 1)).tolist()
    [[1, 1, 0, 0]]
    """
    import numpy as np

    width, height = size_wh
    scores = np.ascontiguousarray(scores, dtype=np.float32)
    weights, strips = _strips(height, scores.shape[1])
    candidates = _candidates(scores)
    labels = np.empty((height, width), dtype=np.uint8)
    chances = probabilities(scores, logit_scale) if threshold > 0.0 else None
    for strip in strips:
        rows = np.flatnonzero(candidates[strip.upper])
        part = labels[strip.top : strip.bottom]
        winners = label_of_row[rows]
        if chances is None and (winners == winners[0]).all():
            part[...] = winners[0]
            continue
        down = weights[strip.top : strip.bottom, None]
        chance = _fill(part, scores, chances, rows, winners, strip, down)
        if chance is not None:
            part[chance < threshold] = NONE_LABEL
    return labels


def probabilities(scores: np.ndarray, logit_scale: float) -> np.ndarray:
    """Softmax over the rows of ``logit_scale * scores``: float32 (K, h', w') in [0, 1]."""
    import numpy as np

    logits = logit_scale * scores
    exponentials = np.exp(logits - logits.max(axis=0))
    return exponentials / exponentials.sum(axis=0)


def _strips(height: int, grid_height: int) -> tuple[np.ndarray, list[_Strip]]:
    """Weight of the lower grid row for each source row, float32 (H,), and the strips."""
    import numpy as np

    centre = (np.arange(height) + 0.5) * (grid_height / height) - 0.5
    centre = np.clip(centre, 0.0, grid_height - 1)
    upper = np.minimum(centre.astype(np.int64), max(grid_height - 2, 0))
    starts = np.flatnonzero(np.diff(upper, prepend=-1))
    ends = np.append(starts[1:], height)
    strips = [
        _Strip(int(top), int(bottom), int(upper[top]), min(int(upper[top]) + 1, grid_height - 1))
        for top, bottom in zip(starts, ends, strict=True)
    ]
    return (centre - upper).astype(np.float32), strips


def _candidates(scores: np.ndarray) -> np.ndarray:
    """Which rows may win somewhere in the strip below each grid row: bool (max(h'-1, 1), K)."""
    import numpy as np

    low, high = scores, scores
    if scores.shape[1] > 1:
        low = np.minimum(low[:, :-1], low[:, 1:])
        high = np.maximum(high[:, :-1], high[:, 1:])
    if scores.shape[2] > 1:
        low = np.minimum(low[..., :-1], low[..., 1:])
        high = np.maximum(high[..., :-1], high[..., 1:])
    return (high >= low.max(axis=0)).any(axis=2).T


def _fill(
    part: np.ndarray,
    scores: np.ndarray,
    chances: np.ndarray | None,
    rows: np.ndarray,
    winners: np.ndarray,
    strip: _Strip,
    down: np.ndarray,
) -> np.ndarray | None:
    """Write the labels of one strip in place; returns the winners' probabilities if given any."""
    import cv2
    import numpy as np

    width = part.shape[1]
    best = _upsample(scores[rows[0]], strip, down, width)
    chance = None if chances is None else _upsample(chances[rows[0]], strip, down, width)
    part[...] = winners[0]
    value = np.empty_like(part)
    for row, winner in zip(rows[1:], winners[1:], strict=True):
        other = _upsample(scores[row], strip, down, width)
        value[...] = winner
        ahead = cv2.compare(other, best, cv2.CMP_GT)
        cv2.copyTo(value, ahead, part)
        cv2.max(best, other, best)
        if chances is not None:
            cv2.copyTo(_upsample(chances[row], strip, down, width), ahead, chance)
    return chance


def _upsample(row: np.ndarray, strip: _Strip, down: np.ndarray, width: int) -> np.ndarray:
    import cv2

    between = row[strip.upper] * (1.0 - down) + row[strip.lower] * down
    return cv2.resize(between, (width, between.shape[0]), interpolation=cv2.INTER_LINEAR)
