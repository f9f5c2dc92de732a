"""``sc-clip``: SC-CLIP (Bai et al.: "Self-Calibrated CLIP for Training-Free Open-Vocabulary
Segmentation", 2024).

Steps, blocks counted from 0 in ViT-B:

1. Outliers among the patches before the last block (local outlier factor: 30 neighbors,
   contamination 0.05) become the mean of their sound neighbors, there and in block 8's output.
2. Those patches are averaged with what is alike in block 8 (cosines of 0.4 or more).
3. The last block, without residual and MLP: the mean of key-key attention and of an attention by
   block 8's cosines (sharpness 3, over their mean), plus 0.3 times the class token before it.
4. The same of the sum of the outputs of blocks 3 to 9, not mended.
5. Both are averaged with what is alike in block 3, not mended, and added.

Steps 3 to 5 are linear behind the attention, so that sums go through one product here where the
authors have two; the features are the same.
"""

from __future__ import annotations

from torch import Tensor, nn

from training.model.dense.blocks import attend, project
from training.model.dense.outliers import LocalOutliers, mend
from training.model.dense.similarity import Similarity
from training.model.dense.trunk import DenseMethod, Trunk

SHALLOW, DEEP = 3, 8
SUMMED = tuple(range(3, 10))
CLASS_SHARE = 0.3


class ScClip(DenseMethod):
    """Mended, averaged and recalled patches through a last block of two attentions."""

    reads = SUMMED
    needs_class = True

    def __init__(self) -> None:
        super().__init__()
        self.outliers = LocalOutliers()
        self.similarity = Similarity(cuts=False)

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        attention, late_bpc = trunk.block.attn, trunk.late_bpc
        outliers_bp = self.outliers(late_bpc[:, 1:])
        late_mended, deep_mended = (
            mend(x_bpc[:, 1:], outliers_bp, trunk.grid_hw, empties=False)
            for x_bpc in (late_bpc, trunk.hidden[DEEP])
        )
        share_bpp, alike_bpp = self.similarity(deep_mended)
        shallow_bpp, _ = self.similarity(trunk.hidden[SHALLOW][:, 1:], attends=False)
        recalled_bpc = sum_hidden(trunk)
        own_k, own_v = project(attention, trunk.block.ln_1(share_bpp @ late_mended), "kv")
        k, v = project(attention, trunk.block.ln_1(recalled_bpc[:, 1:]), "kv")
        heads = attention.num_heads
        own = (attend(own_k, own_k, own_v, heads), own_v)
        recalled = (attend(k, k, v, heads), v)
        both_bpc = project_both(trunk, alike_bpp, own, recalled, share=0.5)
        cls_b1c = CLASS_SHARE * (late_bpc[:, :1] + recalled_bpc[:, :1])
        return shallow_bpp @ (both_bpc + cls_b1c)


def sum_hidden(trunk: Trunk) -> Tensor:
    """(b, 1 + p, c): what blocks 3 to 9 gave, added up."""
    first, *rest = (trunk.hidden[place] for place in SUMMED)
    for x_bpc in rest:
        first = first + x_bpc
    return first


def project_both(
    trunk: Trunk,
    alike_bpp: Tensor,
    own: tuple[Tensor, Tensor],
    recalled: tuple[Tensor | None, Tensor],
    share: float = 1.0,
) -> Tensor:
    """The last block's output projection of two attentions, added up: (b, p, c).

    Args:
        trunk: whose last block it is.
        alike_bpp: an attention that both have a part in.
        own: what one's other attentions mixed (b, p, c), and the values that ``alike_bpp`` mixes.
        recalled: the other's; None: it has no others.
        share: what is mixed counts so much.
    """
    block = trunk.block
    projection = block.attn.out_proj
    if not isinstance(projection, nn.Linear) or isinstance(block.ls_1, nn.LayerNorm):
        # EVA-02 has a norm before the projection, EVA-02-E behind it: the sum is another thing.
        first, second = (_mix(alike_bpp, *one, share) for one in (own, recalled))
        return block.ls_1(projection(first)) + block.ls_1(projection(second))
    mixed_bpc = own[0] if recalled[0] is None else own[0] + recalled[0]
    both_bpc = projection(_mix(alike_bpp, mixed_bpc, own[1] + recalled[1], share))
    return block.ls_1(both_bpc + projection.bias)  # of two projections, two offsets


def _mix(alike_bpp: Tensor, mixed_bpc: Tensor | None, value_bpc: Tensor, share: float) -> Tensor:
    alike_bpc = alike_bpp @ value_bpc
    if mixed_bpc is not None:
        alike_bpc = mixed_bpc + alike_bpc
    return alike_bpc if share == 1 else alike_bpc * share
