"""From scores on the grid to labels at source size: exact, and cheap because most cells are clear.

The definition is plain: upsample every row of scores bilinearly (half-pixel centers, edges
repeated), take the maximum within each group of rows (synonyms of a class; the background), and
label each pixel with the group that is highest, the first one on a tie. Done literally, that
costs K passes over the source image.

Most of it can be told on the grid without loss: a cell for which one label is left is filled as it
is (:mod:`runtime.segment.contests`); in the others, the few rows left are upsampled and compared
(:mod:`runtime.segment.pieces`). The labels are those of the definition (float32's rounding apart).
Grouping *before* upsampling would be another definition: the mean of a maximum is more than the
maximum of the means.

Memory, whatever K: the labels, a few arrays the size of a band of the grid's scores (a band holds
at most ``BAND_BYTES``, or two lines), and pieces of a fixed number of pixels. All but the labels
is kept for the next frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.cells import Axis, axis, corners_of
from runtime.segment.contests import find_contests, winning_rows
from runtime.segment.pieces import ScoredBand, pieces
from runtime.segment.scratch import Scratch, ScratchPool
from runtime.segment.word_scores import Scores, ShiftedScores, bands, read_band
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

_SCRATCHES = ScratchPool()

__all__ = ["NONE_LABEL", "count_labels", "label_pixels", "probabilities"]


def label_pixels(
    scores: Scores | ShiftedScores,
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

    down = axis(size_wh[1], scores.shape[1])
    across = axis(size_wh[0], scores.shape[2])
    labels = np.empty((size_wh[1], size_wh[0]), dtype=np.uint8)
    with _SCRATCHES.lend() as scratch:
        for first, last in bands(scores.shape, overlap=1):
            band = read_band(scores, first, last, scratch)
            chances = probabilities(band, logit_scale) if threshold > 0.0 else None
            axes = down.band(first, last), across
            _Band(band, label_of_row, chances, threshold, axes).label(labels, scratch)
    return labels


def count_labels(labels: np.ndarray) -> np.ndarray:
    """How many pixels of uint8 (H, W) have each label: float64 (256,)."""
    import cv2
    import numpy as np

    counts = np.zeros(256)
    # OpenCV counts five times as fast as numpy, in float32: exact up to 2^24 pixels.
    lines = max(1, (1 << 24) // max(labels.shape[1], 1))
    for first in range(0, labels.shape[0] if labels.size else 0, lines):
        part = np.ascontiguousarray(labels[first : first + lines])
        counts += cv2.calcHist([part], [0], None, [256], [0, 256]).reshape(-1)
    return counts


def probabilities(scores: np.ndarray, logit_scale: float) -> np.ndarray:
    """Softmax over the rows of ``logit_scale * scores``: float32 (K, h', w') in [0, 1]."""
    import numpy as np

    logits = logit_scale * scores
    exponentials = np.exp(logits - logits.max(axis=0))
    return exponentials / exponentials.sum(axis=0)


@dataclass(frozen=True, eq=False)
class _Band(ScoredBand):
    """A few lines of the grid with their scores, and the cells between them."""

    axes: tuple[Axis, Axis]

    def label(self, labels: np.ndarray, scratch: Scratch) -> None:
        """Write the labels of all its cells."""
        import numpy as np

        down, across = self.axes
        top, row_of = winning_rows(self.scores, scratch)
        first, *others = corners_of(down, across, row_of)
        open_cells = np.zeros(first.shape, dtype=bool)
        for other in others:
            open_cells |= other != first
        label_of_cell = self.label_of_row[first]
        if self.chances is not None:
            kept, dropped = self._sure_cells(row_of)
            label_of_cell[dropped] = NONE_LABEL
            open_cells |= ~(kept | dropped)
        open_cells &= (down.counts > 0)[:, None] & (across.counts > 0)
        self._fill(labels, label_of_cell)
        contests = find_contests(self.scores, top, row_of, self.axes, open_cells, scratch)
        if self.chances is None:
            contests = contests.only(contests.between_labels(self.label_of_row))
        for piece in pieces(contests.most_first(), self.axes):
            piece.label(labels, self, scratch)

    def _sure_cells(self, row_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells all of whose corners have a chance over, and under, the threshold."""
        import numpy as np

        assert self.chances is not None
        chance = np.take_along_axis(self.chances, row_of[None].astype(np.intp), axis=0)[0]
        corners = np.stack(corners_of(*self.axes, chance))
        kept: np.ndarray = np.all(corners >= self.threshold, axis=0)
        dropped: np.ndarray = np.all(corners < self.threshold, axis=0)
        return kept, dropped

    def _fill(self, labels: np.ndarray, label_of_cell: np.ndarray) -> None:
        """Give every pixel its cell's label."""
        down, across = self.axes
        lines = slice(down.first_pixel, down.first_pixel + len(down.cell_of_pixel))
        wide = label_of_cell.take(across.cell_of_pixel, axis=1)
        # Any mode but "raise" writes into ``out`` itself rather than into a copy of it.
        wide.take(down.cell_of_pixel, axis=0, out=labels[lines], mode="clip")
