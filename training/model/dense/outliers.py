"""Patches in which CLIP keeps what belongs to no place: found, and made what is around them.

Both finders mark a fixed number at most, by TopK of a fixed k and comparisons; nothing is gathered
by data. Modules of their own, as :mod:`training.model.dense.similarity` is and for the same reason.

Shape legend: b images, p patches (hp x wp), c encoder width.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.dense.features import to_map


class LocalOutliers(nn.Module):
    """Local outlier factor as SC-CLIP has it: 30 neighbors, contamination 0.05.

    A patch's reach is the squared distance to its 30th neighbor; its factor is its reach times the
    mean of one by reach over its 30 neighbors. (The textbook has the neighbor's reach, where that
    is larger.) The patches beyond the 0.95 quantile of factors are outliers.
    """

    neighbors = 30
    contamination = 0.05

    def forward(self, patches_bpc: Tensor) -> Tensor:
        """(b, p, c) -> (b, p), 1 for outliers and 0 for others."""
        count = int(patches_bpc.shape[1])
        neighbors = min(self.neighbors, count - 1)
        squares_bp1 = patches_bpc.square().sum(2, keepdim=True)
        apart_bpp = squares_bp1 + squares_bp1.transpose(1, 2)
        apart_bpp = apart_bpp - 2 * (patches_bpc @ patches_bpc.transpose(1, 2))
        # Among the nearest is the patch itself.
        nearest = apart_bpp.topk(neighbors + 1, dim=2, largest=False).values
        reach_bp1 = nearest[:, :, -1:].clamp_min(1e-6)
        near_bpp = (apart_bpp <= nearest[:, :, -1:]).to(apart_bpp.dtype)
        near_bpp = near_bpp * (1 - torch.eye(count, dtype=near_bpp.dtype, device=near_bpp.device))
        factor_bp = (reach_bp1 * (near_bpp @ (1 / reach_bp1)))[:, :, 0]
        # Without ties this is what lies beyond the quantile, interpolated linearly.
        most = count - 1 - math.floor((1 - self.contamination) * (count - 1) + 1e-9)
        return (factor_bp >= _nth_largest(factor_bp, most)).to(factor_bp.dtype)


class LoudPatches(nn.Module):
    """Patches that the class token looks at more than they look at themselves, as SFP has it: the
    10 loudest of those whose attention from the class token, times 1.5, exceeds that from
    themselves.
    """

    most = 10
    factor = 1.5

    def forward(self, attention_bpp: Tensor) -> Tensor:
        """Attention (b, 1 + p, 1 + p), the class token first -> (b, p), 1 for outliers."""
        loud_bp = attention_bpp[:, 0, 1:] * self.factor
        # The diagonal, by steps of a row and one: of large frames' it would be traced to EyeLike.
        side = int(attention_bpp.shape[1])
        own_bp = attention_bpp.flatten(1)[:, :: side + 1][:, 1:]
        candidate_bp = (loud_bp > own_bp).to(loud_bp.dtype)
        # No attention is under 0, so what is no candidate comes after all of them.
        loud_bp = loud_bp * candidate_bp - (1 - candidate_bp)
        most = min(self.most, int(loud_bp.shape[1]))
        return (loud_bp >= _nth_largest(loud_bp, most)).to(loud_bp.dtype) * candidate_bp


def mend(
    patches_bpc: Tensor, outliers_bp: Tensor, grid_hw: tuple[int, int], *, empties: bool
) -> Tensor:
    """Make each outlier the mean of those of its eight neighbors that are none.

    Args:
        patches_bpc: (b, p, c).
        outliers_bp: (b, p), 1 or 0.
        grid_hw: the patch grid.
        empties: what an outlier among outliers becomes: zeros; else it stays as it is.
    """
    sound_bp1 = (1 - outliers_bp).unsqueeze(2)
    # An outlier has no part in its own 3 x 3 patches, so their mean is that of its neighbors.
    sums_bpc = _pooled(patches_bpc * sound_bp1, grid_hw)
    counts_bp1 = _pooled(sound_bp1, grid_hw)
    mended_bpc = sums_bpc / counts_bp1.clamp_min(1e-3)
    changed_bp1 = 1 - sound_bp1
    if not empties:
        changed_bp1 = changed_bp1 * (counts_bp1 > 0).to(counts_bp1.dtype)
    return patches_bpc + changed_bp1 * (mended_bpc - patches_bpc)


def _pooled(patches_bpc: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Sums over 3 x 3 patches, divided by 9 at the edges too: (b, p, c)."""
    pooled = F.avg_pool2d(to_map(patches_bpc, grid_hw), 3, 1, 1)
    return pooled.flatten(2).transpose(1, 2)


def _nth_largest(values_bp: Tensor, n: int) -> Tensor:
    """(b, 1)."""
    return values_bp.topk(n, dim=1).values[:, -1:]
