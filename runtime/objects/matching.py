"""Which box of this frame is which box of before: pairs, parts of one, and several in one.

Boxes are float arrays (N, 4): left, top, right, bottom in pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Rounds of matching: a margin around both boxes as a share of their sides, and the least overlap
#: (intersection over union, margins included) of a pair.
ROUNDS = ((0.0, 0.3), (0.3, 0.1), (0.8, 0.1))
#: Least share of the smaller box that lies in the larger one, for a last round.
LEAST_INSIDE = 0.15
#: How much of a part must lie in the box of a whole (grown by the margin beside it).
PART_INSIDE = 0.6
PART_MARGIN = 0.1
#: How much of a box must lie in a region that it may have merged with.
MERGED_INSIDE = 0.7

__all__ = ["find_merged", "find_parts", "match_boxes", "overlaps"]


def match_boxes(boxes: np.ndarray, predicted: np.ndarray) -> dict[int, int]:
    """For boxes (C, 4) that were seen before, the index among the predicted ones (T, 4).

    Pairs are taken greedily, best first: of much overlap, then with growing margins, so that what
    is small and quick overlaps with where it was, then of what lies within the other.
    """
    pairs: dict[int, int] = {}
    for margin, least in ROUNDS:
        _take_best(overlaps(_grown(boxes, margin), _grown(predicted, margin)), least, pairs)
    smaller = _areas(boxes)[:, None].clip(max=_areas(predicted)[None])
    _take_best(_common(boxes, predicted) / smaller.clip(min=1.0), LEAST_INSIDE, pairs)
    return pairs


def find_parts(boxes: np.ndarray, predicted: np.ndarray, pairs: dict[int, int]) -> dict[int, int]:
    """For boxes without a pair that lie in the place of one that has, that one's index."""
    import numpy as np

    rest = [one for one in range(len(boxes)) if one not in pairs]
    if not rest or not pairs:
        return {}
    wholes = list(pairs)
    places = _grown(predicted[[pairs[one] for one in wholes]], PART_MARGIN)
    inside = _common(boxes[rest], places) / _areas(boxes[rest])[:, None].clip(min=1.0)
    best = inside.argmax(axis=1)
    found = inside[np.arange(len(rest)), best] >= PART_INSIDE
    return {rest[one]: wholes[int(best[one])] for one in np.flatnonzero(found).tolist()}


def find_merged(boxes: np.ndarray, predicted: np.ndarray, pairs: dict[int, int]) -> dict[int, int]:
    """For predicted boxes without a pair that lie in a box that has one, that box's index."""
    import numpy as np

    taken = set(pairs.values())
    rest = [one for one in range(len(predicted)) if one not in taken]
    if not rest or not pairs:
        return {}
    hosts = list(pairs)
    inside = _common(predicted[rest], boxes[hosts]) / _areas(predicted[rest])[:, None].clip(min=1.0)
    best = inside.argmax(axis=1)
    found = inside[np.arange(len(rest)), best] >= MERGED_INSIDE
    return {rest[one]: hosts[int(best[one])] for one in np.flatnonzero(found).tolist()}


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of each box (N, 4) with each other (M, 4): (N, M)."""
    common = _common(boxes, others)
    return common / (_areas(boxes)[:, None] + _areas(others)[None] - common).clip(min=1e-9)


def _common(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    import numpy as np

    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (high - low).clip(min=0.0).prod(axis=2)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2]).clip(min=0.0).prod(axis=1)


def _grown(boxes: np.ndarray, margin: float) -> np.ndarray:
    import numpy as np

    by = margin * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - by, boxes[:, 2:] + by], axis=1)


def _take_best(scores: np.ndarray, least: float, pairs: dict[int, int]) -> None:
    """Add to ``pairs`` the best of (C, T) scores that exclude no better one."""
    import numpy as np

    rows, columns = np.nonzero(scores >= least)
    taken = set(pairs.values())
    for at in np.argsort(-scores[rows, columns], kind="stable").tolist():
        row, column = int(rows[at]), int(columns[at])
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
