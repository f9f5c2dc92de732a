"""PAMR: class scores refined by the picture's colors, without training.

Araslanov and Roth, "Single-Stage Semantic Segmentation from Image Labels", CVPR 2020. Each pixel
takes the mean of the pixels around it (eight neighbors at each of a few distances), weighed by how
near their colors are, again and again. TCL (Cha et al., CVPR 2023) refines masks so, ten rounds at
distances of 1, 2, 4, 8, 12 and 24 on a grid a quarter as fine as the window; NACLIP (Hajimiri et
al., WACV 2025) ten at 8 and 16 on the whole picture. It stands here beside adaptive units, which
do the same by what pixels mean, and on the same grid.

Everything has a fixed shape. Neighbors are gathered by numbers that are constants of the graph, and
averaged by a product of matrices: slices of a padded map would be as fast, but five hundred of them
take an exporter minutes.

Shape legend: k words, h w the decoder's grid, n = h w, p neighbors of a pixel (8 at each distance).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TCL_DILATIONS = (1, 2, 4, 8, 12, 24)
NACLIP_DILATIONS = (8, 16)
# What a difference of colors is measured by: this share of their deviation around the pixel.
_SHARE_OF_DEVIATION = 0.1
_LEAST = 1e-8
_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))


@dataclass(frozen=True, kw_only=True)
class PamrSettings:
    """How scores are refined; the defaults are TCL's."""

    rounds: int = 10
    """How often. 0: scores stay as they are."""
    dilations: tuple[int, ...] = TCL_DILATIONS
    """Distances of the neighbors, in pixels of the grid."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.rounds < 0:
            raise ValueError(f"pamr rounds is {self.rounds}; expected 0 (none) or more")
        if not self.dilations or min(self.dilations) < 1:
            raise ValueError(f"pamr dilations are {self.dilations}; expected whole numbers from 1")


class Pamr(nn.Module):
    """Refine scores by colors.

    Args:
        settings: see :class:`PamrSettings`.
    """

    def __init__(self, settings: PamrSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, scores_khw: Tensor, colors_3hw: Tensor) -> Tensor:
        """Refine scores.

        Args:
            scores_khw: (k, h, w) float.
            colors_3hw: (3, h, w) float in any range: only the sizes of differences count.

        Returns:
            (k, h, w): each a mean of scores of its surroundings, so within their range.
        """
        if self.settings.rounds == 0:
            return scores_khw
        grid_hw = (int(colors_3hw.shape[1]), int(colors_3hw.shape[2]))
        places = [
            _neighbors(grid_hw, distance).to(colors_3hw.device)
            for distance in self.settings.dilations
        ]
        shares_n1p = _shares(colors_3hw.flatten(1).transpose(0, 1), places).unsqueeze(1)
        shares = shares_n1p.split(len(_AROUND), dim=2)
        maps_nk = scores_khw.flatten(1).transpose(0, 1)
        for _ in range(self.settings.rounds):
            # A distance at a time: of each there are eight times the scores at once, not more.
            refined_n1k = shares[0] @ _near(maps_nk, places[0])
            for share_n1p, place in zip(shares[1:], places[1:], strict=True):
                refined_n1k = refined_n1k + share_n1p @ _near(maps_nk, place)
            maps_nk = refined_n1k.squeeze(1)
        return maps_nk.transpose(0, 1).unflatten(1, grid_hw)


def _near(maps_nk: Tensor, places: Tensor) -> Tensor:
    """The maps at each pixel's neighbors: (n, p, k)."""
    return maps_nk.index_select(0, places).unflatten(0, (maps_nk.shape[0], len(_AROUND)))


def _shares(colors_n3: Tensor, places: list[Tensor]) -> Tensor:
    """How much each neighbor counts: (n, all p), summing to 1."""
    near_np3 = torch.cat([_near(colors_n3, place) for place in places], dim=1)
    colors_n13 = colors_n3.unsqueeze(1)
    apart_np3 = near_np3 - colors_n13
    # The pixel itself, apart by nothing, is counted at each distance, as the published code has it.
    count = near_np3.shape[1] + len(places)
    mean_n13 = apart_np3.sum(1, keepdim=True) / count
    squares_n13 = (apart_np3 - mean_n13).square().sum(1, keepdim=True)
    squares_n13 = squares_n13 + len(places) * mean_n13.square()
    deviation_n13 = (squares_n13 / (count - 1)).sqrt()
    nearness_np3 = -apart_np3.abs() / (_LEAST + _SHARE_OF_DEVIATION * deviation_n13)
    return F.softmax(nearness_np3.mean(2), dim=1)


def _neighbors(grid_hw: tuple[int, int], distance: int) -> Tensor:
    """The eight neighbors of each pixel by their numbers, row by row: int32 (8 n,). The border is
    repeated outwards.
    """
    height, width = grid_hw
    rows_hw = torch.arange(height).reshape(-1, 1, 1)
    columns_hw = torch.arange(width).reshape(1, -1, 1)
    down_p = torch.tensor([distance * y for y, _ in _AROUND])
    right_p = torch.tensor([distance * x for _, x in _AROUND])
    row_hwp = (rows_hw + down_p).clamp(0, height - 1)
    column_hwp = (columns_hw + right_p).clamp(0, width - 1)
    return (row_hwp * width + column_hwp).flatten().to(torch.int32)
