"""Windows that slide over a picture, and scores put together out of theirs.

As published protocols have it (mmsegmentation's ``slide``): windows of the size that the graph
takes, one every ``stride`` pixels, the last one moved back inside; each window's scores enlarged to
its size, and the mean taken where windows overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.segment.word_scores import Scores, StreamedScores

if TYPE_CHECKING:
    import numpy as np

#: A picture is made no longer than that, in pixels, whatever its short side was to be.
LONG_SIDE = 2048

__all__ = ["LONG_SIDE", "MeanScores", "Windows", "places", "window_starts"]


@dataclass(frozen=True)
class Windows:
    """How a picture is looked at in windows, whose size is the bundle's input size.

    Attributes:
        stride: pixels from one window to the next; None: half the window's shorter side.
        short_side: pixels that the picture's shorter side is brought to before, its aspect kept,
            the longer one at most ``LONG_SIDE``; None: it is taken at its own size.
    """

    stride: int | None = None
    short_side: int | None = None

    def fit(self, crop_wh: tuple[int, int]) -> Windows:
        """The same with its stride filled in.

        Raises:
            UserError: windows of this size and stride would leave gaps, or a side is none.
        """
        stride = min(crop_wh) // 2 if self.stride is None else self.stride
        if not 1 <= stride <= min(crop_wh):
            raise UserError(
                f"a stride of {stride} pixels; expected 1 to {min(crop_wh)}, since the bundle's "
                f"windows are {crop_wh[0]}x{crop_wh[1]}"
            )
        if self.short_side is not None and not 1 <= self.short_side <= LONG_SIDE:
            raise UserError(f"a short side of {self.short_side}; expected 1 to {LONG_SIDE} pixels")
        return replace(self, stride=stride)

    def picture_wh(self, size_wh: tuple[int, int]) -> tuple[int, int]:
        """(width, height) at which a picture of this size is looked at.

        >>> Windows(short_side=336).picture_wh((500, 375)), Windows().picture_wh((500, 375))
        ((448, 336), (500, 375))
        """
        if self.short_side is None:
            return size_wh
        scale = min(LONG_SIDE / max(size_wh), self.short_side / min(size_wh))
        return max(1, int(size_wh[0] * scale + 0.5)), max(1, int(size_wh[1] * scale + 0.5))


def window_starts(side: int, crop: int, stride: int) -> list[int]:
    """Where windows begin along a side; the last one is moved back inside.

    >>> window_starts(500, 224, 112), window_starts(224, 224, 112), window_starts(100, 224, 112)
    ([0, 112, 224, 276], [0], [0])
    """
    count = max(side - crop + stride - 1, 0) // stride + 1
    return [max(min(number * stride, side - crop), 0) for number in range(count)]


def places(
    picture_wh: tuple[int, int], crop_wh: tuple[int, int], stride: int
) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each window; as much as there is where a side is shorter than it."""
    (width, height), (wide, tall) = picture_wh, crop_wh
    for top in window_starts(height, tall, stride):
        for left in window_starts(width, wide, stride):
            yield slice(top, min(top + tall, height)), slice(left, min(left + wide, width))


class MeanScores:
    """Scores of a picture, the mean of its windows' where these overlap.

    Scores of very many words are kept as the embeddings that they are products with: the mean of
    these gives the mean of those.

    Args:
        picture_wh: the picture's size in pixels, which is that of the scores too.
    """

    def __init__(self, picture_wh: tuple[int, int]) -> None:
        import numpy as np

        self._counts_hw = np.zeros(picture_wh[::-1], np.float32)
        self._sums: dict[str, np.ndarray] = {}
        self._text: dict[str, np.ndarray] = {}

    def add(self, place: tuple[slice, slice], scores: dict[str, Scores | None]) -> None:
        """Add a window's scores float32 (K, h', w') of each kind."""
        import cv2
        import numpy as np

        lines, columns = place
        size_wh = (columns.stop - columns.start, lines.stop - lines.start)
        self._counts_hw[place] += 1
        for kind, grid in scores.items():
            if grid is None:
                continue
            rows = grid
            if isinstance(rows, StreamedScores):
                self._text[kind] = rows.text
                rows = rows.embeddings
            whole = self._sums.get(kind)
            if whole is None:
                whole = np.zeros((len(rows), *self._counts_hw.shape), np.float32)
                self._sums[kind] = whole
            for total, row in zip(whole, rows, strict=True):
                row = np.ascontiguousarray(row, np.float32)
                total[place] += cv2.resize(row, size_wh, interpolation=cv2.INTER_LINEAR)

    def take(self, kind: str) -> Scores | None:
        """The mean of a kind, once: float32 (K, h, w); None where no window had it."""
        whole = self._sums.pop(kind, None)
        if whole is None:
            return None
        whole /= self._counts_hw  # in place: they are large
        return StreamedScores(whole, self._text[kind]) if kind in self._text else whole
