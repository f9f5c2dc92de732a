"""Scores of many words over the grid, a band of lines at a time: memory that K does not decide.

Every score of the graph is a cosine, linear in the word's embedding. So a graph that is asked for
the D rows of an identity matrix instead of K words answers with what every word's score is made
of: ``class_scores`` (D, h', w'), the mixture of unit embeddings at each pixel, or ``pixel_scores``,
the pixel's own embedding. The scores of any words are products of their rows with that, made here
for as few lines of the grid as are looked at together. The graph never sees more than
``most_rows(D)`` rows, and nothing here holds more than ``BAND_BYTES`` of scores (or three lines of
the grid, where those are more).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from runtime.segment.scratch import Scratch
from runtime.segment.windows import WindowScores

if TYPE_CHECKING:
    import numpy as np

# The most words that any graph is asked for directly, however narrow its embeddings are.
FEW_WORDS = 128
BAND_BYTES = 4 << 20

__all__ = [
    "BAND_BYTES",
    "FEW_WORDS",
    "Scores",
    "ShiftedScores",
    "StreamedScores",
    "bands",
    "identity",
    "most_rows",
    "read_band",
]


@dataclass(frozen=True, eq=False)
class StreamedScores:
    """Scores float32 (K, h', w') that are computed where they are looked at.

    ``embeddings`` float32 (D, h', w'): what the graph said of an identity matrix; ``text`` float32
    (K, D): the words. Slicing lines, ``scores[:, first:last]``, gives their scores as an array
    (K, last - first, w'); ``np.asarray`` gives all of them at once.
    """

    embeddings: np.ndarray
    text: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, h', w')."""
        return len(self.text), self.embeddings.shape[1], self.embeddings.shape[2]

    def __getitem__(self, lines: tuple[slice, slice]) -> np.ndarray:
        rows, chosen = lines
        band = self.embeddings[:, chosen]
        text = self.text[rows]
        return (text @ band.reshape(len(band), -1)).reshape(len(text), *band.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self[:, :], dtype=dtype)


@dataclass(frozen=True, eq=False)
class ShiftedScores:
    """Scores with an offset for each word, which is added where they are looked at.

    ``scores`` are (K, h', w'), ``offsets`` float32 (K,).
    """

    scores: np.ndarray | StreamedScores
    offsets: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, h', w')."""
        return self.scores.shape

    def __getitem__(self, lines: tuple[slice, slice]) -> np.ndarray:
        shifted: np.ndarray = self.scores[lines] + self.offsets[lines[0], None, None]
        return shifted


Scores = Union["np.ndarray", StreamedScores, WindowScores]


def read_band(
    scores: Scores | ShiftedScores, first: int, last: int, scratch: Scratch
) -> np.ndarray:
    """The scores of a few lines of the grid: float32 (K, last - first, w'), contiguous.

    They are those given where these are whole and fit, else scratch.
    """
    import numpy as np

    if isinstance(scores, StreamedScores):
        lines = scores.embeddings[:, first:last]
        embeddings = scratch.array("embeddings", lines.shape, np.float32)
        np.copyto(embeddings, lines)
        band = scratch.array("band", (len(scores.text), *lines.shape[1:]), np.float32)
        flat = embeddings.reshape(len(embeddings), -1)
        np.matmul(scores.text, flat, out=band.reshape(len(band), -1))
        return band
    if isinstance(scores, ShiftedScores):
        plain = read_band(scores.scores, first, last, scratch)
        band = scratch.array("band", plain.shape, np.float32)
        np.add(plain, scores.offsets[:, None, None], out=band)
        return band
    lines = scores[:, first:last]
    if lines.flags.c_contiguous and lines.dtype == np.float32:
        return lines
    band = scratch.array("band", lines.shape, np.float32)
    np.copyto(band, lines)
    return band


def most_rows(width: int) -> int:
    """How many words a graph with embeddings ``width`` wide is asked for; above, they stream."""
    return max(width, FEW_WORDS)


def identity(width: int) -> np.ndarray:
    """The rows that make a graph answer with embeddings: float32 (D, D), read-only."""
    import numpy as np

    rows = np.eye(width, dtype=np.float32)
    rows.setflags(write=False)
    return rows


def bands(shape: tuple[int, ...], overlap: int = 0) -> Iterator[tuple[int, int]]:
    """Lines (first, last) of bands that cover a grid (K, h', w') of float32, each under the bound.

    With ``overlap`` 1 a band also holds the line that the next one begins with; the grid's last
    line then begins none (unless it is the only one).

    >>> list(bands((1024, 5, 256)))
    [(0, 4), (4, 5)]
    >>> list(bands((1024, 5, 256), overlap=1))
    [(0, 4), (3, 5)]
    >>> list(bands((20, 72, 96), overlap=1))
    [(0, 72)]
    """
    words, height, width = shape
    tall = max(BAND_BYTES // (4 * words * width), 1 + overlap)
    first = 0
    while first < max(height - overlap, 1):
        yield first, min(first + tall, height)
        first += tall - overlap
