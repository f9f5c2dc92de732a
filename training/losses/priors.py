"""What a mask should look like before any text is read: neither everything nor nothing, and smooth
within edges.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def area_prior(mask_jn: Tensor, low: float, high: float) -> Tensor:
    """Squared distance of each mask's mean from the band [low, high], averaged.

    Args:
        mask_jn: (j, n) in [0, 1], each caption's mask on its own image.
        low: smallest mean area that costs nothing.
        high: largest mean area that costs nothing.

    Returns:
        Scalar.
    """
    area_j = mask_jn.mean(dim=1)
    return (F.relu(low - area_j) + F.relu(area_j - high)).square().mean()


def total_variation(mask_jhw: Tensor, colors_j3hw: Tensor, edge_sharpness: float) -> Tensor:
    """Mean absolute step between neighbours, less where the image itself has an edge.

    Args:
        mask_jhw: (j, h, w) in [0, 1].
        colors_j3hw: (j, 3, h, w) in [0, 1], on the same grid.
        edge_sharpness: a step of squared color distance s weighs exp(-edge_sharpness * s).

    Returns:
        Scalar.
    """
    total = mask_jhw.new_zeros(())
    for dim in (-1, -2):
        size = mask_jhw.shape[dim]
        mask_step = mask_jhw.narrow(dim, 1, size - 1) - mask_jhw.narrow(dim, 0, size - 1)
        color_step = colors_j3hw.narrow(dim, 1, size - 1) - colors_j3hw.narrow(dim, 0, size - 1)
        weight = torch.exp(-edge_sharpness * color_step.square().sum(1))
        total = total + (weight * mask_step.abs()).mean()
    return total
