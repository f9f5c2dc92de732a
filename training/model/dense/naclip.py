"""``naclip``: NACLIP (Hajimiri, Ben Ayed, Dolz: "Pay Attention to Your Neighbours: Training-Free
Open-Vocabulary Semantic Segmentation", WACV 2025).

Key-key attention in the last block, drawn to the neighborhood: before the softmax a Gaussian of the
distance between two patches is added, of standard deviation 5 patches and height 1, the same in
every head; rows and columns of the class token get 0. No residual, no MLP ("reduced").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.model.dense.blocks import attend, project
from training.model.dense.trunk import DenseMethod, Trunk

STD_PATCHES = 5.0


class NaClip(DenseMethod):
    """Key-key attention with a Gaussian window."""

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        block, attention = trunk.block, trunk.block.attn
        k, v = project(attention, block.ln_1(trunk.late_bpc), "kv")
        near_pp = neighborhood(trunk.grid_hw, trunk.prefix).to(k)
        mixed_bpc = attend(k, k, v, attention.num_heads, near_pp)
        return trunk.patches_of(block.ls_1(attention.out_proj(mixed_bpc)))


def neighborhood(grid_hw: tuple[int, int], prefix: int = 1) -> Tensor:
    """(prefix + p, prefix + p) in [0, 1]: how near two patches are, row by row; 0 with the class
    token.
    """
    height, width = grid_hw
    near_yy, near_xx = (_near(side) for side in (height, width))
    # A Gaussian of the distance is one of rows times one of columns.
    near_pp = near_yy[:, None, :, None] * near_xx[None, :, None, :]
    return F.pad(near_pp.reshape(height * width, height * width), (prefix, 0, prefix, 0))


def _near(side: int) -> Tensor:
    places = torch.arange(side, dtype=torch.float32)
    return torch.exp(-(places[:, None] - places).square() / (2 * STD_PATCHES**2))
