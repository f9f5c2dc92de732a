"""PAMR: class scores refined by the picture's colors, without training.

Araslanov and Roth, "Single-Stage Semantic Segmentation from Image Labels", CVPR 2020. Each pixel
takes the mean of the pixels around it (eight neighbors at each of a few distances), weighed by how
near their colors are, again and again. TCL (Cha et al., CVPR 2023) refines masks so, ten rounds at
distances of 1, 2, 4, 8, 12 and 24 on a grid a quarter as fine as the window; NACLIP (Hajimiri et
al., WACV 2025) ten at 8 and 16 on the whole picture. It stands here beside adaptive units, which
do the same by what pixels mean, and on the same grid.

Everything has a fixed shape: a border that is repeated outwards, slices of it, sums. Nothing is
gathered, and beyond a few maps of scores nothing is held, so 1,024 words fit as 20 do.

Shape legend: k words, h w the decoder's grid, p places around a pixel (8 at each distance).
"""

from __future__ import annotations

from collections.abc import Iterator
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
        shares_phw = self._shares(colors_3hw).unbind(0)
        for _ in range(self.settings.rounds):
            around = zip(shares_phw, self._around(scores_khw), strict=True)
            share_hw, near_khw = next(around)
            refined_khw = share_hw * near_khw
            for share_hw, near_khw in around:
                refined_khw = refined_khw + share_hw * near_khw
            scores_khw = refined_khw
        return scores_khw

    def _shares(self, colors_3hw: Tensor) -> Tensor:
        """How much each place around counts: (p, h, w), summing to 1 over p."""
        near_p3hw = torch.stack(list(self._around(colors_3hw)))
        apart_p3hw = (near_p3hw - colors_3hw).abs()
        # The pixel itself is counted at each distance, as the published code has it.
        times = len(self.settings.dilations)
        count = near_p3hw.shape[0] + times
        mean_3hw = (near_p3hw.sum(0) + times * colors_3hw) / count
        squares_3hw = (near_p3hw - mean_3hw).square().sum(0)
        squares_3hw = squares_3hw + times * (colors_3hw - mean_3hw).square()
        deviation_3hw = (squares_3hw / (count - 1)).sqrt()
        nearness_p3hw = -apart_p3hw / (_LEAST + _SHARE_OF_DEVIATION * deviation_3hw)
        return F.softmax(nearness_p3hw.mean(1), dim=0)

    def _around(self, maps_chw: Tensor) -> Iterator[Tensor]:
        """The maps (c, h, w) as seen from each pixel's neighbors; the border is repeated."""
        height, width = int(maps_chw.shape[1]), int(maps_chw.shape[2])
        reach = max(self.settings.dilations)
        padded = F.pad(maps_chw.unsqueeze(0), [reach] * 4, mode="replicate")[0]
        for distance in self.settings.dilations:
            for y, x in _AROUND:
                top, left = reach + y * distance, reach + x * distance
                yield padded[:, top : top + height, left : left + width]
