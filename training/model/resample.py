"""Bring images and maps to another grid with operations that every engine has, and has fast."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shrink_to(images_b3hw: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Block means where the sides divide, else bilinear without antialiasing (patch 14 on a 4x
    grid).

    Args:
        images_b3hw: float (b, 3, h, w).
        size_hw: wanted (h', w'), at most (h, w).

    Returns:
        (b, 3, h', w').
    """
    height, width = int(images_b3hw.shape[2]), int(images_b3hw.shape[3])
    if (height, width) == tuple(size_hw):
        return images_b3hw
    if height % size_hw[0] == 0 and width % size_hw[1] == 0:
        return F.avg_pool2d(images_b3hw, (height // size_hw[0], width // size_hw[1]))
    return F.interpolate(images_b3hw, size=size_hw, mode="bilinear", align_corners=False)


def enlarge(maps_bchw: Tensor, factor: int) -> Tensor:
    """Bilinear, as ``interpolate(..., align_corners=False)``, as two products with matrices.

    For maps of many channels and few places: engines' own resizing goes channel by channel, and
    what comes after it place by place, so that all of it has to be transposed in between. Here
    channels lie next to one another from the first product on; the last permutation is for whoever
    wants them first.

    Args:
        maps_bchw: float (b, c, h, w).
        factor: 1 or more.

    Returns:
        (b, c, h factor, w factor).
    """
    batch, channels, height, width = (int(side) for side in maps_bchw.shape)
    rows_yh, columns_xw = (
        torch.tensor(_weights(side, factor), dtype=maps_bchw.dtype, device=maps_bchw.device)
        for side in (height, width)
    )
    wide_bhxc = columns_xw @ maps_bchw.permute(0, 2, 3, 1)
    tall = rows_yh @ wide_bhxc.reshape(batch, height, width * factor * channels)
    places = tall.reshape(batch, height * factor, width * factor, channels)
    return places.permute(0, 3, 1, 2)


def _weights(side: int, factor: int) -> list[list[float]]:
    """What each of ``side factor`` places has of the ``side`` it lies between."""
    weights = [[0.0] * side for _ in range(side * factor)]
    for place, row in enumerate(weights):
        at = min(max((place + 0.5) / factor - 0.5, 0.0), side - 1.0)
        below = min(int(at), max(side - 2, 0))
        row[below] += 1 - (at - below)
        row[min(below + 1, side - 1)] += at - below
    return weights
