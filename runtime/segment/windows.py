"""Windows that slide over a picture, and scores put together out of theirs.

As published protocols have it (mmsegmentation's ``slide``): windows of the size that the graph
takes, one every ``stride`` pixels, the last one moved back inside; each window's scores enlarged to
its size, and the mean taken where windows overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from runtime.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from runtime.segment.word_scores import StreamedScores

#: A picture is made no longer than that, in pixels, whatever its short side was to be.
LONG_SIDE = 2048

__all__ = ["LONG_SIDE", "RowScores", "WindowScores", "Windows", "places", "window_starts"]


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


@runtime_checkable
class RowScores(Protocol):
    """Scores (K, h, w) that are put together by the row, not by the line."""

    def row(self, number: int) -> np.ndarray:
        """The scores of a word: float32 (h, w)."""
        ...


@dataclass(frozen=True, eq=False)
class WindowScores:
    """Scores (K, h, w) of a picture: where windows overlap, the mean of theirs, each enlarged.

    They are put together a row at a time (:meth:`row`), so that many words at a large size take
    no memory. Slices, and ``np.asarray``, put all of them together once and keep that.

    Attributes:
        size_wh: of the picture, in pixels.
        places: rows and columns of each window.
        grids: the scores float32 (K, h', w') of each.
    """

    size_wh: tuple[int, int]
    places: tuple[tuple[slice, slice], ...]
    grids: tuple[np.ndarray | StreamedScores, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, h, w)."""
        return self.grids[0].shape[0], self.size_wh[1], self.size_wh[0]

    def row(
        self, number: int, change: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """The scores of a word at each pixel: float32 (h, w).

        Args:
            number: of the word.
            change: what becomes of each window's enlarged scores, float32 of the window's size,
                in the windows' order, before the mean is taken.
        """
        import cv2
        import numpy as np

        whole_hw = np.zeros(self.size_wh[::-1], np.float32)
        for (lines, columns), grid in zip(self.places, self.grids, strict=True):
            size_wh = (columns.stop - columns.start, lines.stop - lines.start)
            own = np.ascontiguousarray(
                grid[number : number + 1, 0 : grid.shape[1]][0], dtype=np.float32
            )
            enlarged = cv2.resize(own, size_wh, interpolation=cv2.INTER_LINEAR)
            whole_hw[lines, columns] += enlarged if change is None else change(enlarged)
        whole_hw *= self._shares_hw
        return whole_hw

    @cached_property
    def _shares_hw(self) -> np.ndarray:
        """What a window counts where so many overlap: float32 (h, w)."""
        import numpy as np

        counts_hw = np.zeros(self.size_wh[::-1], np.float32)
        for place in self.places:
            counts_hw[place] += 1
        return 1 / counts_hw

    @cached_property
    def _whole(self) -> np.ndarray:
        import numpy as np

        whole = np.empty(self.shape, np.float32)
        for number in range(len(whole)):
            whole[number] = self.row(number)
        return whole

    def __getitem__(self, part: Any) -> np.ndarray:
        return self._whole[part]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.asarray(self._whole, dtype=dtype)
