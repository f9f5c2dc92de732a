"""``clearclip``: ClearCLIP (Lan et al.: "ClearCLIP: Decomposing CLIP Representations for Dense
Vision-Language Inference", ECCV 2024).

The last block's query-query attention, without residual and MLP: the residual carries what is
global and loud, the MLP was trained on it. No constants. The class token takes part as a key.
"""

from __future__ import annotations

from torch import Tensor

from training.model.dense.blocks import attend, project
from training.model.dense.trunk import DenseMethod, Trunk


class ClearClip(DenseMethod):
    """The last block's query-query attention alone."""

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        block, attention = trunk.block, trunk.block.attn
        q, _, v = project(attention, block.ln_1(trunk.late_bpc), "qkv")
        mixed_bpc = attend(q, q, v, attention.num_heads)
        return trunk.patches_of(block.ls_1(attention.out_proj(mixed_bpc)))
