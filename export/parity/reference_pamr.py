"""The plain eager reference of PAMR: neighbors by their places, borders by clamping.

Written from Araslanov and Roth (CVPR 2020), section 4.3, with the constants that TCL uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def refine_by_colors(
    maps_chw: Tensor, colors_3hw: Tensor, rounds: int, dilations: Sequence[int]
) -> Tensor:
    """Maps (C, h', w') refined by colors (3, h', w'): of the same shape."""
    height, width = colors_3hw.shape[1:]
    places = neighbors(height, width, dilations)
    colors_n3 = colors_3hw.flatten(1).T
    near_pn3 = colors_n3[places]
    # Each distance's own patch of nine holds the pixel itself.
    patch = torch.cat([near_pn3, colors_n3.expand(len(dilations), -1, -1)])
    deviation_n3 = patch.std(dim=0)
    nearness_pn = -((near_pn3 - colors_n3).abs() / (1e-8 + 0.1 * deviation_n3)).mean(dim=2)
    shares_pn = torch.softmax(nearness_pn, dim=0)
    maps_cn = maps_chw.flatten(1)
    for _ in range(rounds):
        maps_cn = torch.stack(
            [share_n * maps_cn[:, at] for share_n, at in zip(shares_pn, places, strict=True)]
        ).sum(dim=0)
    return maps_cn.unflatten(1, (height, width))


def neighbors(height: int, width: int, dilations: Sequence[int]) -> Tensor:
    """For each place around (8 a distance) the index of each pixel's neighbor there: (P, N)."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = []
    for distance in dilations:
        for down in (-distance, 0, distance):
            for right in (-distance, 0, distance):
                if down or right:
                    row = (rows + down).clamp(0, height - 1)
                    column = (columns + right).clamp(0, width - 1)
                    places.append((row * width + column).flatten())
    return torch.stack(places)
