"""From scores on the grid to labels at source size: exact, and cheap because most cells are clear.

The definition is plain: upsample every row of scores bilinearly (half-pixel centres, edges
repeated), take the maximum within each group of rows (synonyms of a class; the background), and
label each pixel with the group that is highest, the first one on a tie. Done literally, that
costs K passes over the source image.

Most of it can be told on the grid without loss. Between four grid points, a *cell*, an upsampled
score is a mean of the four with weights that all rows share. So a row whose highest corner lies
below another row's lowest corner cannot win anywhere in that cell. A cell in which one label is
left is filled as it is; in the others, the few rows left are upsampled and compared. The labels
are those of the definition (float32's rounding apart). Grouping *before* upsampling would be
another definition: the mean of a maximum is more than the maximum of the means.

Memory, whatever K: the labels, a dozen arrays the size of a band of the grid's scores (a band holds
at most ``BAND_BYTES``, or two lines), and pieces of a fixed number of pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.word_scores import Scores, bands
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

# Pixels worked on at once: few enough for their float32 scores to stay in the second-level cache.
_PIECE_PIXELS = 1 << 16

__all__ = ["NONE_LABEL", "label_pixels", "probabilities"]


def label_pixels(
    scores: Scores,
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

    down = _axis(size_wh[1], scores.shape[1])
    across = _axis(size_wh[0], scores.shape[2])
    labels = np.empty((size_wh[1], size_wh[0]), dtype=np.uint8)
    for first, last in bands(scores.shape, overlap=1):
        band = np.ascontiguousarray(scores[:, first:last], dtype=np.float32)
        cells = slice(first, max(last - 1, first + 1))
        chances = probabilities(band, logit_scale) if threshold > 0.0 else None
        _label_band(labels, band, label_of_row, (down.part(cells), across), chances, threshold)
    return labels


def _label_band(
    labels: np.ndarray,
    scores: np.ndarray,
    label_of_row: np.ndarray,
    axes: tuple[_Axis, _Axis],
    chances: np.ndarray | None,
    threshold: float,
) -> None:
    """Write the labels of the cells between a few lines of the grid, whose scores these are."""
    import numpy as np

    down, across = axes
    low, high = _corner_bounds(scores)
    candidates = high >= low.max(axis=0)
    first = candidates.argmax(axis=0)
    label_of_cell = label_of_row[first]
    others = label_of_row[:, None, None] != label_of_cell
    open_cells = (candidates & others).any(axis=0)
    if chances is not None:
        bounds = (np.take_along_axis(part, first[None], 0)[0] for part in _corner_bounds(chances))
        surely_kept, surely_dropped = next(bounds) >= threshold, next(bounds) < threshold
        open_cells |= (candidates.sum(axis=0) > 1) | ~(surely_kept | surely_dropped)
        label_of_cell = np.where(surely_dropped, NONE_LABEL, label_of_cell).astype(np.uint8)
    open_cells &= (down.counts > 0)[:, None] & (across.counts > 0)
    filled = np.repeat(np.repeat(label_of_cell, across.counts, axis=1), down.counts, axis=0)
    labels[down.start : down.start + len(filled)] = filled
    for cells, rows in _by_row_count(open_cells, candidates):
        for piece in _pieces(cells, rows, down, across):
            piece.label(labels, scores, label_of_row, chances, threshold)


def probabilities(scores: np.ndarray, logit_scale: float) -> np.ndarray:
    """Softmax over the rows of ``logit_scale * scores``: float32 (K, h', w') in [0, 1]."""
    import numpy as np

    logits = logit_scale * scores
    exponentials = np.exp(logits - logits.max(axis=0))
    return exponentials / exponentials.sum(axis=0)


@dataclass(frozen=True)
class _Axis:
    """Pixels along one side, by the cell between whose two grid points they lie.

    ``counts`` (cells,): pixels of each cell; ``pixels`` and ``weights`` (most, cells): their
    places and the weight of the cell's far grid point, the last one repeated where there are fewer;
    ``start``: the first cell's first pixel.
    """

    counts: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray
    start: int = 0

    def part(self, cells: slice) -> _Axis:
        """Some neighbouring cells only; their pixels keep their places."""
        before = self.start + int(self.counts[: cells.start].sum())
        return _Axis(self.counts[cells], self.pixels[:, cells], self.weights[:, cells], before)


def _axis(size: int, grid: int) -> _Axis:
    import numpy as np

    centres = np.clip((np.arange(size) + 0.5) * (grid / size) - 0.5, 0.0, grid - 1)
    cells = np.minimum(centres.astype(np.int64), max(grid - 2, 0))
    counts = np.bincount(cells, minlength=max(grid - 1, 1))
    ends = np.cumsum(counts)
    steps = np.arange(counts.max())[:, None]
    pixels = np.maximum(np.minimum(ends - counts + steps, ends - 1), 0)
    weights = (centres - cells).astype(np.float32)
    return _Axis(counts, pixels, weights[pixels])


def _corner_bounds(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of each row in each cell: (K, max(h'-1, 1), max(w'-1, 1))."""
    import numpy as np

    low = high = scores
    if scores.shape[1] > 1:
        low = np.minimum(low[:, :-1], low[:, 1:])
        high = np.maximum(high[:, :-1], high[:, 1:])
    if scores.shape[2] > 1:
        low = np.minimum(low[..., :-1], low[..., 1:])
        high = np.maximum(high[..., :-1], high[..., 1:])
    return low, high


def _by_row_count(
    open_cells: np.ndarray, candidates: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The open cells, together those with equally many rows: (2, n) places and (m, n) rows."""
    import numpy as np

    places = np.stack(np.nonzero(open_cells))
    which = candidates[:, places[0], places[1]]
    counts = which.sum(axis=0)
    for count in np.unique(counts):
        chosen = np.flatnonzero(counts == count)
        rows = np.nonzero(which[:, chosen].T)[1].reshape(len(chosen), count).T
        yield places[:, chosen], rows


def _pieces(cells: np.ndarray, rows: np.ndarray, down: _Axis, across: _Axis) -> Iterator[_Piece]:
    tall, wide = len(down.pixels), len(across.pixels)
    cells_at_once = max(1, _PIECE_PIXELS // (tall * wide))
    lines_at_once = max(1, _PIECE_PIXELS // (wide * min(cells_at_once, cells.shape[1])))
    for start in range(0, cells.shape[1], cells_at_once):
        part = slice(start, start + cells_at_once)
        upper, left = cells[:, part]
        for line in range(0, tall, lines_at_once):
            lines = slice(line, line + lines_at_once)
            yield _Piece(
                upper,
                left,
                rows[:, part],
                (down.pixels[lines, upper], across.pixels[:, left]),
                (down.weights[lines, upper], across.weights[:, left]),
            )


@dataclass(frozen=True)
class _Piece:
    """Pixels of n cells, t lines by s columns each, for which m rows compete.

    ``upper``, ``left`` (n,): the cells' near grid points; ``rows`` (m, n); ``pixels`` and
    ``weights``: a table (t, n) down and one (s, n) across each. Arrays have the cells last, so
    that every operation runs over long contiguous lines.
    """

    upper: np.ndarray
    left: np.ndarray
    rows: np.ndarray
    pixels: tuple[np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]

    def label(
        self,
        labels: np.ndarray,
        scores: np.ndarray,
        label_of_row: np.ndarray,
        chances: np.ndarray | None,
        threshold: float,
    ) -> None:
        """Compare the rows at these pixels and write the labels."""
        import numpy as np

        best = self._upsample(scores, self.rows[0])
        winner = np.empty(best.shape, dtype=np.uint8)
        winner[...] = label_of_row[self.rows[0]]
        chance = None if chances is None else self._upsample(chances, self.rows[0])
        for row in self.rows[1:]:
            other = self._upsample(scores, row)
            ahead = other > best
            # winner = row's label where it is ahead, as three passes over bytes: masked copies
            # of broadcast values cost ten times as much.
            change = winner ^ label_of_row[row]
            change &= np.negative(ahead.view(np.uint8))
            winner ^= change
            np.maximum(best, other, out=best)
            if chance is not None and chances is not None:
                np.copyto(chance, self._upsample(chances, row), where=ahead)
        if chance is not None:
            winner[chance < threshold] = NONE_LABEL
        labels[self.pixels[0][:, None], self.pixels[1][None]] = winner

    def _upsample(self, values: np.ndarray, row: np.ndarray) -> np.ndarray:
        """One row's values at every pixel: float32 (t, s, n)."""
        lower = (self.upper + 1).clip(max=values.shape[1] - 1)
        right = (self.left + 1).clip(max=values.shape[2] - 1)
        down, across = self.weights
        near = values[row, self.upper, self.left] * (1 - down)
        near += values[row, lower, self.left] * down
        far = values[row, self.upper, right] * (1 - down)
        far += values[row, lower, right] * down
        far -= near
        upsampled = far[:, None] * across
        upsampled += near[:, None]
        return upsampled
