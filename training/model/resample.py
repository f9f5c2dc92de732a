"""Bring an image to a coarser grid with operations that every engine has."""

from __future__ import annotations

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
