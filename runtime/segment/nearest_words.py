"""The words nearest to each of many embeddings, out of a list of any length.

All scores at once would be an array (words, places): 100,000 words over a grid of 112 x 88 are
4 GB. Here a block of words meets a block of places; of each place only its best words so far are
kept, and a block of scores is looked into only where it holds a better one, which after the first
blocks is seldom. Time grows with words x places; beside words and result the memory is one block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Together as many scores as stay in the processor's cache: float32, 4 MiB.
_WORDS_AT_ONCE = 2048
_PLACES_AT_ONCE = 512

__all__ = ["find_nearest_words"]


def find_nearest_words(
    embeddings_nd: np.ndarray, text_kd: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` words that score highest at each place, the best one first.

    Of equal scores the word that stands first in the list goes first.

    Args:
        embeddings_nd: float32 (n, D), finite: the places.
        text_kd: float32 (K, D), finite: the words.
        count: from 1 to K.

    Returns:
        The words' rows int32 (n, count), and their scores float32 (n, count): products of word
        and place.
    """
    import numpy as np

    places = len(embeddings_nd)
    index = np.full((places, count), -1, np.int32)
    scores = np.full((places, count), -np.inf, np.float32)
    block = np.empty(_PLACES_AT_ONCE * _WORDS_AT_ONCE, np.float32)
    for first_word in range(0, len(text_kd), _WORDS_AT_ONCE):
        words_dw = text_kd[first_word : first_word + _WORDS_AT_ONCE].T
        for start in range(0, places, _PLACES_AT_ONCE):
            part = slice(start, start + _PLACES_AT_ONCE)
            shape = (len(embeddings_nd[part]), words_dw.shape[1])
            found = block[: shape[0] * shape[1]].reshape(shape)
            np.matmul(embeddings_nd[part], words_dw, out=found)
            _take_better(index[part], scores[part], found, first_word)
    return index, scores


def _take_better(index: np.ndarray, scores: np.ndarray, found: np.ndarray, first_word: int) -> None:
    """Put what is better among ``found`` (n, w) into the best so far, in place."""
    import numpy as np

    places = np.flatnonzero(found.max(axis=1) > scores[:, -1])
    if not places.size:
        return
    found = found[places]
    count = scores.shape[1]
    columns = _highest(found, min(count, found.shape[1]))
    both = np.concatenate([scores[places], np.take_along_axis(found, columns, axis=1)], axis=1)
    rows = np.concatenate([index[places], columns + first_word], axis=1)
    # Stable: earlier words stand first in both halves, and those of the first half are earlier.
    order = np.argsort(-both, axis=1, kind="stable")[:, :count]
    scores[places] = np.take_along_axis(both, order, axis=1)
    index[places] = np.take_along_axis(rows, order, axis=1)


def _highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Columns (n, count) of the highest of each row of (n, w), in the columns' order."""
    import numpy as np

    width = scores.shape[1]
    least = np.partition(scores, width - count, axis=1)[:, width - count, None]
    taken = scores >= least
    surplus = taken.sum(axis=1) - count
    for row in np.flatnonzero(surplus):  # equal scores on the edge: the first ones stay
        equal = np.flatnonzero(scores[row] == least[row])
        taken[row, equal[len(equal) - surplus[row] :]] = False
    columns: np.ndarray = np.nonzero(taken)[1].reshape(len(scores), count)
    return columns
