"""``maskclip``: MaskCLIP (Zhou, Loy, Dai: "Extract Free Dense Labels from CLIP", ECCV 2022).

The last block's value path in the place of its attention: every token attends to itself alone.
Residual and MLP stay, as in the authors' own code. ClearCLIP's table compares with a "MaskCLIP"
that has neither. No constants.

Of towers that pool by attention behind their last block (SigLIP) the value path is that of the
pooling head (training.model.timm.heads), and the last block stays as it is.
"""

from __future__ import annotations

from torch import Tensor

from training.model.dense.blocks import project
from training.model.dense.trunk import DenseMethod, Trunk


class MaskClip(DenseMethod):
    """The last block's value path, then its residual and MLP."""

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        block, x_bpc = trunk.block, trunk.patches_of(trunk.late_bpc)
        (value_bpc,) = project(block.attn, block.ln_1(x_bpc), "v")
        x_bpc = x_bpc + block.ls_1(block.attn.out_proj(value_bpc))
        return x_bpc + block.ls_2(block.mlp(block.ln_2(x_bpc)))
