"""One large image seen in windows, all of them one batch; what overlaps is averaged.

The windows' places are those of mmsegmentation's ``slide``: one every ``stride`` pixels, the last
one moved back inside. They are fixed, so that cutting and joining trace into slices and sums.

Shape legend: n windows, row by row; g h the grid of a window's map, h' w' that of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sliding:
    """Windows over images of one size.

    Attributes:
        size_wh: of the image in pixels.
        crop_wh: of a window, no larger than the image.
        stride: pixels from one window to the next, at most the crop's shorter side.
    """

    size_wh: tuple[int, int]
    crop_wh: tuple[int, int]
    stride: int

    def __post_init__(self) -> None:
        """Check that windows lie inside and leave no gap."""
        inside = all(c <= s for c, s in zip(self.crop_wh, self.size_wh, strict=True))
        if not inside or not 1 <= self.stride <= min(self.crop_wh):
            raise ValueError(
                f"windows of {self.crop_wh[0]}x{self.crop_wh[1]} every {self.stride} pixels do not "
                f"cover {self.size_wh[0]}x{self.size_wh[1]} from inside"
            )

    @property
    def starts_xy(self) -> tuple[list[int], list[int]]:
        """Where windows begin across and down, in pixels."""
        across, down = (
            [
                min(number * self.stride, side - crop)
                for number in range(-(-(side - crop) // self.stride) + 1)
            ]
            for side, crop in zip(self.size_wh, self.crop_wh, strict=True)
        )
        return across, down

    @property
    def count(self) -> int:
        """How many windows, n."""
        across, down = self.starts_xy
        return len(across) * len(down)

    def cut(self, images_1chw: Tensor) -> Tensor:
        """(1, c, h, w) -> (n, c, crop height, crop width)."""
        (across, down), (wide, tall) = self.starts_xy, self.crop_wh
        return torch.cat(
            [
                images_1chw[:, :, top : top + tall, left : left + wide]
                for top in down
                for left in across
            ]
        )

    def join(self, maps_ndgh: Tensor) -> Tensor:
        """(n, d, g, h) -> (d, h', w'): the mean over the windows that see a place."""
        across, down = self.starts_xy
        rows, columns = (int(side) for side in maps_ndgh.shape[2:])
        lefts = [start * columns // self.crop_wh[0] for start in across]
        tops = [start * rows // self.crop_wh[1] for start in down]
        lines = [
            _overlap(list(maps_ndgh[first : first + len(lefts)]), lefts, 2)
            for first in range(0, len(maps_ndgh), len(lefts))
        ]
        return _overlap(lines, tops, 1)


def _overlap(parts: list[Tensor], starts: list[int], axis: int) -> Tensor:
    """Parts of one length put side by side from their starts on, the mean where several are."""
    length = int(parts[0].shape[axis])
    edges = sorted({edge for start in starts for edge in (start, start + length)})
    pieces = []
    for first, last in pairwise(edges):
        there = [
            part.narrow(axis, first - start, last - first)
            for part, start in zip(parts, starts, strict=True)
            if start <= first and last <= start + length
        ]
        total = there[0]
        for part in there[1:]:
            total = total + part
        pieces.append(total / len(there) if len(there) > 1 else total)
    return torch.cat(pieces, dim=axis)
