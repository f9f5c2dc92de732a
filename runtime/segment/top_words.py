"""What a frame shows in words: the best few of a long list, for each unit or each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from runtime.errors import MgcaError, UserError
from runtime.segment.frames import FrameEmbeddings
from runtime.segment.nearest_words import find_nearest_words
from runtime.text.word_list import WordList

if TYPE_CHECKING:
    import numpy as np

# unit: the words of each adaptive unit of the image; pixel: those of each pixel of the grid.
Per = Literal["unit", "pixel"]

__all__ = ["Per", "TopWords", "choose_top_words"]


@dataclass(frozen=True, eq=False)
class TopWords:
    """The k best words of every unit, or of every pixel of the output grid (h', w').

    Attributes:
        words: all words that were asked for; ``index`` counts in them.
        index: int32, the best word first: (k, U) for units, where a slot that no pixel belongs to
            holds -1; (k, h', w') for pixels.
        scores: float32, of the same shape: cosines of word and place, 0 for an empty slot.
        unit_of_pixel: int32 (h', w'), the unit of each pixel; None for pixels.
        size_wh: (width, height) of the frame.
    """

    words: tuple[str, ...]
    index: np.ndarray
    scores: np.ndarray
    unit_of_pixel: np.ndarray | None
    size_wh: tuple[int, int]

    def at(self, x: int, y: int) -> list[tuple[str, float]]:
        """The words at a pixel of the frame with their cosines, the best one first.

        They are those of the nearest pixel of the grid. Raises :class:`~runtime.errors.UserError`
        for a place that is not in the frame.
        """
        width, height = self.size_wh
        if not (0 <= x < width and 0 <= y < height):
            raise UserError(
                f"({x}, {y}) is not in the frame; expected x from 0 to {width - 1} and y from 0 to "
                f"{height - 1}"
            )
        unit_of_pixel = self.unit_of_pixel
        rows, columns = (self.index[0] if unit_of_pixel is None else unit_of_pixel).shape
        place: tuple[int, ...] = (int(y) * rows // height, int(x) * columns // width)
        if unit_of_pixel is not None:
            place = (int(unit_of_pixel[place]),)
        everything: tuple[slice | int, ...] = (slice(None), *place)
        found = zip(self.index[everything], self.scores[everything], strict=True)
        return [(self.words[word], float(score)) for word, score in found]

    @cached_property
    def areas(self) -> dict[str, float]:
        """Share of the grid, in (0, 1], on which a word is the best one; the largest first."""
        import numpy as np

        best = self.index[0]
        if self.unit_of_pixel is not None:
            best = best[self.unit_of_pixel]
        rows, counts = np.unique(best, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {self.words[rows[i]]: float(counts[i] / best.size) for i in order}


def choose_top_words(
    frame: FrameEmbeddings, words: WordList, k: int, size_wh: tuple[int, int]
) -> TopWords:
    """The best words of every place of a frame.

    Args:
        frame: of its units or its pixels.
        words: to choose from.
        k: how many for each place.
        size_wh: the frame's (width, height).

    Raises:
        UserError: fewer words than k, or k under 1.
        MgcaError: the graph gave numbers that are not finite, or units that are none.
    """
    import numpy as np

    if k not in range(1, len(words) + 1):
        raise UserError(f"k is {k}; expected 1 to {len(words)}, the number of words")
    values = frame.values
    if not np.isfinite(values).all():
        raise MgcaError("the graph gave embeddings that are not finite; try another backend")
    if frame.unit_of_pixel is None:
        flat = np.ascontiguousarray(values.reshape(len(values), -1).T)
        index, scores = (one.T for one in find_nearest_words(flat, words.text, k))
        shape = (k, *values.shape[1:])
        return TopWords(words.words, index.reshape(shape), scores.reshape(shape), None, size_wh)
    there = np.unique(frame.unit_of_pixel)
    if there[0] < 0 or there[-1] >= len(values):
        raise MgcaError(
            f"the graph gave units from {there[0]} to {there[-1]}; expected 0 to {len(values) - 1}"
        )
    index = np.full((k, len(values)), -1, np.int32)
    scores = np.zeros((k, len(values)), np.float32)
    found = find_nearest_words(np.ascontiguousarray(values[there]), words.text, k)
    index[:, there], scores[:, there] = (one.T for one in found)
    return TopWords(words.words, index, scores, frame.unit_of_pixel, size_wh)
