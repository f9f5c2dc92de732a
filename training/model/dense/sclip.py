"""``sclip``: SCLIP (Wang, Mei, Yuille: "SCLIP: Rethinking Self-Attention for Dense Vision-Language
Inference", ECCV 2024).

"Correlative self-attention" in the last block: query-query plus key-key attention, two softmaxes
that are added, not averaged. Residual and MLP stay. No constants.
"""

from __future__ import annotations

from torch import Tensor

from training.model.dense.blocks import attend, project
from training.model.dense.trunk import DenseMethod, Trunk


class Sclip(DenseMethod):
    """Query-query and key-key attention, then the block's residual and MLP."""

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        block, attention, x_bpc = trunk.block, trunk.block.attn, trunk.late_bpc
        q, k, v = project(attention, block.ln_1(x_bpc), "qkv")
        heads = attention.num_heads
        mixed_bpc = attend(q, q, v, heads) + attend(k, k, v, heads)
        x_bpc = trunk.patches_of(x_bpc + block.ls_1(attention.out_proj(mixed_bpc)))
        return x_bpc + block.ls_2(block.mlp(block.ln_2(x_bpc)))
