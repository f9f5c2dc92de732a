"""``sfp``: SFP (ICCV 2025; its public code's settings of the conference, pm SOM).

As SC-CLIP (:mod:`training.model.dense.sc_clip`), but

1. outliers are up to 10 patches that the class token attends to in the block before the last, times
   1.5, more than they do to themselves; one without a sound neighbor becomes zero;
2. the attention by block 8's cosines sees those under 0.4 as 0;
3. the last block has the mean of three attentions: key-key, query-query and that one;
4. the sum of blocks 3 to 9 goes through that one alone.
"""

from __future__ import annotations

from torch import Tensor

from training.model.dense.blocks import attend, project
from training.model.dense.outliers import LoudPatches, mend
from training.model.dense.sc_clip import (
    CLASS_SHARE,
    DEEP,
    SHALLOW,
    SUMMED,
    project_both,
    sum_hidden,
)
from training.model.dense.similarity import Similarity
from training.model.dense.trunk import DenseMethod, Trunk


class Sfp(DenseMethod):
    """Patches mended where the class token looks, through a last block of three attentions."""

    reads = SUMMED
    needs_class = True
    watches = True

    def __init__(self) -> None:
        super().__init__()
        self.outliers = LoudPatches()
        self.similarity = Similarity(cuts=True)

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        attention, late_bpc = trunk.block.attn, trunk.late_bpc
        outliers_bp = self.outliers(trunk.watched_bpp)
        late_mended, deep_mended = (
            mend(x_bpc[:, 1:], outliers_bp, trunk.grid_hw, empties=True)
            for x_bpc in (late_bpc, trunk.hidden[DEEP])
        )
        share_bpp, alike_bpp = self.similarity(deep_mended)
        shallow_bpp, _ = self.similarity(trunk.hidden[SHALLOW][:, 1:], attends=False)
        recalled_bpc = sum_hidden(trunk)
        q, k, own_v = project(attention, trunk.block.ln_1(share_bpp @ late_mended), "qkv")
        (v,) = project(attention, trunk.block.ln_1(recalled_bpc[:, 1:]), "v")
        heads = attention.num_heads
        own_bpc = attend(k, k, own_v, heads) + attend(q, q, own_v, heads)
        both_bpc = project_both(trunk, alike_bpp, (own_bpc / 3, own_v / 3), (None, v))
        cls_b1c = CLASS_SHARE * (late_bpc[:, :1] + recalled_bpc[:, :1])
        return shallow_bpp @ (both_bpc + cls_b1c)
