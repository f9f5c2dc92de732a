"""What a mask should look like before any text is read: neither everything nor nothing, and smooth
within edges.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Mean areas that cost nothing: wide enough for a person far away and for a sky. The prior keeps
# masks from covering everything or nothing; it does not say how large a thing is.
SMALLEST_AREA, LARGEST_AREA = 0.02, 0.6
# How quickly an image's edge excuses a step of the mask: at a color distance of 0.2 (RGB in [0, 1])
# a tenth of its cost is left.
EDGE_SHARPNESS = 60.0


def area_prior(
    mask_jn: Tensor, smallest: float = SMALLEST_AREA, largest: float = LARGEST_AREA
) -> Tensor:
    """Squared distance of each mask's mean from the band [smallest, largest], averaged.

    Args:
        mask_jn: (j, n) in [0, 1], each caption's mask on its own image.
        smallest: smallest mean area that costs nothing.
        largest: largest mean area that costs nothing.

    Returns:
        Scalar.
    """
    area_j = mask_jn.mean(dim=1)
    return (F.relu(smallest - area_j) + F.relu(area_j - largest)).square().mean()


def total_variation(
    mask_jhw: Tensor, colors_j3hw: Tensor, edge_sharpness: float = EDGE_SHARPNESS
) -> Tensor:
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
