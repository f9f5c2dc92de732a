"""The rows of scores that can win somewhere in a cell.

In a cell, an upsampled score is a mean of the row's four corners with weights that all rows share.
So

- a row that is highest at all four corners is highest everywhere in the cell;
- a row that at all four corners lies below another one, or below the mean of some others, wins
  nowhere in it.

Nearly all cells have one row left by that, most others two, whatever the number of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.cells import Axis, cell_corners
from runtime.segment.scratch import Scratch

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Contests", "find_contests", "winning_rows"]


def winning_rows(scores: np.ndarray, scratch: Scratch) -> tuple[np.ndarray, np.ndarray]:
    """Highest score and its row, the first on a tie, at each grid point: float32, uint8 or uint16.

    Row by row over the scores (K, h', w'): ``argmax`` along the first axis takes three times as
    long. Both arrays are scratch.
    """
    import numpy as np

    shape = scores.shape[1:]
    kind = np.uint8 if len(scores) <= 256 else np.uint16
    top = scratch.array("top", shape, np.float32)
    row_of = scratch.array("row_of", shape, kind)
    ahead = scratch.array("ahead", shape, bool)
    number = scratch.array("number", shape, kind)
    top[...] = scores[0]
    row_of[...] = 0
    for row in range(1, len(scores)):
        np.greater(scores[row], top, out=ahead)
        np.maximum(scores[row], top, out=top)
        # Later rows have larger numbers.
        np.multiply(ahead.view(np.uint8), kind(row), out=number)
        np.maximum(row_of, number, out=row_of)
    return top, row_of


@dataclass(frozen=True, eq=False)
class Contests:
    """Cells that more than one row could win, and those rows.

    Attributes:
        upper, left: (n,) line and column of each cell.
        counts: (n,) how many rows it has.
        rows: those of all cells, one cell after another, in each of them ascending.
    """

    upper: np.ndarray
    left: np.ndarray
    counts: np.ndarray
    rows: np.ndarray

    def only(self, chosen: np.ndarray) -> Contests:
        """Those of the cells for which bool (n,) is set."""
        import numpy as np

        rows = self.rows[np.repeat(chosen, self.counts)]
        return Contests(self.upper[chosen], self.left[chosen], self.counts[chosen], rows)

    def between_labels(self, label_of_row: np.ndarray) -> np.ndarray:
        """Bool (n,): whether a cell's rows stand for more than one label."""
        import numpy as np

        labels = label_of_row[self.rows]
        starts = np.cumsum(self.counts) - self.counts
        other = labels != np.repeat(labels[starts], self.counts)
        cells = np.repeat(np.arange(len(self.counts)), self.counts)
        return np.bincount(cells[other], minlength=len(self.counts)) > 0

    def most_first(self) -> Contests:
        """The same, those with most rows first."""
        import numpy as np

        order = np.argsort(-self.counts, kind="stable")
        counts = self.counts[order]
        starts = (np.cumsum(self.counts) - self.counts)[order]
        firsts = np.cumsum(counts) - counts
        rows = self.rows[np.repeat(starts - firsts, counts) + np.arange(len(self.rows))]
        return Contests(self.upper[order], self.left[order], counts, rows)

    def rows_of(self, part: slice) -> list[np.ndarray]:
        """The first row of each of some cells, the second of those that have one, and so on.

        The cells with most rows come first, as :meth:`most_first` gives them.
        """
        import numpy as np

        counts = self.counts[part]
        starts = np.cumsum(counts) - counts + int(self.counts[: part.start].sum())
        return [
            self.rows[starts[: np.count_nonzero(counts > number)] + number]
            for number in range(int(counts[0]))
        ]


def find_contests(
    scores: np.ndarray,
    top: np.ndarray,
    row_of: np.ndarray,
    axes: tuple[Axis, Axis],
    wanted: np.ndarray,
    scratch: Scratch,
) -> Contests:
    """The rows that could win somewhere in the cells for which bool (h' + 1, w' + 1) is set.

    Args:
        scores: float32 (K, h', w').
        top, row_of: of :func:`winning_rows`.
        axes: down and across.
        wanted: cells to look at.
        scratch: memory.
    """
    import numpy as np

    upper, left = np.nonzero(wanted)
    points = top.size
    corners = cell_corners(axes, upper, left)
    values = scores.reshape(-1)
    winners = row_of.reshape(-1)[corners].astype(np.intp)
    # won[j, c]: at corner c, the row that wins at corner j.
    places = scratch.array("corner_places", (4, 4, len(upper)), np.intp)
    np.add((winners * points)[:, None], corners, out=places)
    won = values.take(places, out=scratch.array("won", places.shape, np.float32), mode="clip")
    # How far the best of these rows can lie below the top: what lies lower at every corner loses.
    behind = scratch.array("behind", won.shape, np.float32)
    np.subtract(top.reshape(-1)[corners], won, out=behind)
    reach = behind.max(axis=1).min(axis=0)
    rows, near = _rows_within_reach(scores, top, (upper, left, reach), wanted, scratch)
    cell_at = scratch.array("cell_at", (wanted.size,), np.intp)
    cell_at[upper * wanted.shape[1] + left] = np.arange(len(upper))
    cells = cell_at[near]
    own = [values[rows * points + corner[cells]] for corner in corners]
    stays = _is_not_below(own, won, winners, cells, rows)
    rows, cells = rows[stays], cells[stays]
    order = np.argsort(cells, kind="stable")  # rows of a cell keep their order
    counts = np.bincount(cells, minlength=len(upper))
    found = Contests(upper, left, counts, rows[order])
    return found.only(counts > 0)  # none is left where scores are not numbers


def _rows_within_reach(
    scores: np.ndarray,
    top: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray, np.ndarray],
    wanted: np.ndarray,
    scratch: Scratch,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a row and the flat place of a cell at one of whose corners it is near the top."""
    import numpy as np

    upper, left, reach = cells
    reach_of = np.zeros(wanted.shape, np.float32)
    reach_of[upper, left] = reach
    bound = np.maximum(
        np.maximum(reach_of[:-1, :-1], reach_of[1:, :-1]),
        np.maximum(reach_of[:-1, 1:], reach_of[1:, 1:]),
    )
    np.subtract(top, bound, out=bound)
    near = scratch.array("near", (len(scores), top.shape[0] + 2, top.shape[1] + 2), bool)
    near[:, 0] = near[:, -1] = near[:, :, 0] = near[:, :, -1] = False
    np.greater_equal(scores, bound, out=near[:, 1:-1, 1:-1])
    lines = scratch.array("lines", (len(scores), wanted.shape[0], top.shape[1] + 2), bool)
    np.logical_or(near[:, :-1], near[:, 1:], out=lines)
    either = scratch.array("either", (len(scores), *wanted.shape), bool)
    np.logical_or(lines[..., :-1], lines[..., 1:], out=either)
    np.logical_and(either, wanted, out=either)
    return np.divmod(np.flatnonzero(either), wanted.size)


def _is_not_below(
    own: list[np.ndarray],
    won: np.ndarray,
    winners: np.ndarray,
    cells: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """Bool (pairs,): whether a row lies above each winner, and their mean, at some corner."""
    import numpy as np

    stays = np.ones(len(rows), dtype=bool)
    is_winner = np.zeros(len(rows), dtype=bool)
    for winner in winners:
        is_winner |= winner[cells] == rows
    for rival in (*won, won.mean(axis=0)):
        above = own[0] > rival[0][cells]
        for value, corner in zip(own[1:], rival[1:], strict=True):
            above |= value > corner[cells]
        stays &= above
    return stays | is_winner
