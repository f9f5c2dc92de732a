"""Pixels of cells that more than one row could win: upsampled and compared, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.cells import Axis, cell_corners
from runtime.segment.contests import Contests
from runtime.segment.scratch import Scratch
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    import numpy as np

# Pixels worked on at once: few enough for their float32 scores to stay in the second-level cache.
PIECE_PIXELS = 1 << 15

__all__ = ["Piece", "ScoredBand", "pieces"]


@dataclass(frozen=True, eq=False)
class ScoredBand:
    """What the rows of a band of the grid scored.

    Attributes:
        scores: float32 (K, h', w').
        label_of_row: uint8 (K,).
        chances: the scores' probabilities, None without a threshold.
        threshold: the least probability for a pixel to keep its label.
    """

    scores: np.ndarray
    label_of_row: np.ndarray
    chances: np.ndarray | None
    threshold: float


def pieces(contests: Contests, axes: tuple[Axis, Axis]) -> Iterator[Piece]:
    """The pixels of the cells, those with most rows first."""
    down, across = axes
    tall, wide = len(down.pixels), len(across.pixels)
    cells_at_once = max(1, PIECE_PIXELS // (tall * wide))
    lines_at_once = max(1, PIECE_PIXELS // (wide * min(cells_at_once, len(contests.counts) or 1)))
    for start in range(0, len(contests.counts), cells_at_once):
        part = slice(start, start + cells_at_once)
        upper, left = contests.upper[part], contests.left[part]
        for line in range(0, tall, lines_at_once):
            lines = slice(line, line + lines_at_once)
            yield Piece(
                cell_corners(axes, upper, left),
                contests.rows_of(part),
                (down.pixels[lines, upper], across.pixels[:, left]),
                (down.weights[lines, upper], across.weights[:, left]),
            )


@dataclass(frozen=True, eq=False)
class Piece:
    """Pixels of n cells, t lines by s columns each, for which several rows compete.

    ``corners`` (4, n): flat places of the cells' grid points; ``rows``: the first row of each
    cell, the second of those that have one, and so on, those with most rows first; ``pixels`` and
    ``weights``: a table (t, n) down and one (s, n) across each. Arrays have the cells last, so
    that every operation runs over long contiguous lines.
    """

    corners: np.ndarray
    rows: list[np.ndarray]
    pixels: tuple[np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]

    def label(self, labels: np.ndarray, band: ScoredBand, scratch: Scratch) -> None:
        """Compare the rows at these pixels and write the labels."""
        import numpy as np

        down, across = self.weights
        shape = (len(down), *across.shape)
        weights = (1 - down, down, across)
        best = _upsample(band.scores, self.rows[0], self.corners, weights, scratch, "best")
        winner = scratch.array("winner", shape, np.uint8)
        winner[...] = band.label_of_row[self.rows[0]]
        chance = None
        if band.chances is not None:
            chance = _upsample(band.chances, self.rows[0], self.corners, weights, scratch, "chance")
        for row in self.rows[1:]:
            cells = (Ellipsis, slice(len(row)))
            other = _upsample(band.scores, row, self.corners, weights, scratch, "other")
            ahead = scratch.array("other_ahead", other.shape, bool)
            np.greater(other, best[cells], out=ahead)
            np.maximum(best[cells], other, out=best[cells])
            if chance is not None and band.chances is not None:
                other = _upsample(band.chances, row, self.corners, weights, scratch, "other")
                np.copyto(chance[cells], other, where=ahead)
            _replace_bytes(winner[cells], band.label_of_row[row], ahead, scratch)
        if chance is not None:
            winner[chance < band.threshold] = NONE_LABEL
        self._write(labels, winner, scratch)

    def _write(self, labels: np.ndarray, winner: np.ndarray, scratch: Scratch) -> None:
        """Bring the winners to their places; by flat places, which numpy does twice as fast."""
        import numpy as np

        down, across = self.pixels
        places = scratch.array("places", winner.shape, np.intp)
        np.add((down * labels.shape[1])[:, None], across, out=places)
        labels.reshape(-1)[places.reshape(-1)] = winner.reshape(-1)


def _replace_bytes(old: np.ndarray, new: np.ndarray, where: np.ndarray, scratch: Scratch) -> None:
    """``old[where] = new`` for uint8 (t, s, n), with ``new`` (n,); ``where`` is overwritten.

    Three passes over bytes: masked copies of broadcast values cost ten times as much.
    """
    import numpy as np

    change = scratch.array("change", old.shape, np.uint8)
    np.bitwise_xor(old, new, out=change)
    mask = where.view(np.uint8)
    np.negative(mask, out=mask)
    change &= mask
    old ^= change


def _upsample(
    values: np.ndarray,
    row: np.ndarray,
    corners: np.ndarray,
    weights: tuple[np.ndarray, np.ndarray, np.ndarray],
    scratch: Scratch,
    name: str,
) -> np.ndarray:
    """One row (n,) of (K, h', w') for each of the first n cells, at every pixel: float32 (t, s, n).

    ``weights``: of the upper line (t, cells), the lower line (t, cells), the right column
    (s, cells).
    """
    import numpy as np

    up, down, across = (weight[:, : len(row)] for weight in weights)
    flat = values.reshape(-1)
    places = row * (values.shape[1] * values.shape[2])
    upper_left, upper_right, lower_left, lower_right = (
        flat[places + corner[: len(row)]] for corner in corners
    )
    near = upper_left * up
    near += lower_left * down
    far = upper_right * up
    far += lower_right * down
    far -= near
    out = scratch.array(name, (len(down), *across.shape), np.float32)
    np.multiply(far[:, None], across, out=out)
    out += near[:, None]
    return out
