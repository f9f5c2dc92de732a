"""How alike the patches of an image are, and what is averaged or attended to by it.

A module of its own, so that exports know it: products of features with themselves decide what is
cut and what is not, and stay in fp32 whatever the precision.

Shape legend: b images, p patches, c encoder width.
"""

from __future__ import annotations

from torch import Tensor, nn

from training.model.unit_length import normalize

LEAST_COSINE = 0.4
SHARPNESS = 3.0


class Similarity(nn.Module):
    """Cosines between the patches of an image.

    Args:
        cuts: whether the attention, too, sees cosines under ``LEAST_COSINE`` as 0.
    """

    def __init__(self, *, cuts: bool) -> None:
        super().__init__()
        self.cuts = cuts

    def forward(self, patches_bpc: Tensor, attends: bool = True) -> tuple[Tensor, Tensor | None]:
        """Compare patches with one another.

        Args:
            patches_bpc: (b, p, c), of any length.
            attends: whether an attention is wanted.

        Returns:
            Shares (b, p, p) of the patches that are alike (cosine of 0.4 or more, each as much as
            its cosine; rows sum to 1), and an attention (b, p, p), rows summing to 1, in which only
            cosines of their mean or more have a part; or None.
        """
        units_bpc = normalize(patches_bpc, dim=2)
        cosines_bpp = units_bpc @ units_bpc.transpose(1, 2)
        cut_bpp = cosines_bpp * (cosines_bpp >= LEAST_COSINE).to(cosines_bpp.dtype)
        share_bpp = cut_bpp / (cut_bpp.sum(2, keepdim=True) + 1e-6)
        if not attends:
            return share_bpp, None
        return share_bpp, _attention(cut_bpp if self.cuts else cosines_bpp)


def _attention(cosines_bpp: Tensor) -> Tensor:
    """Softmax of 3 times what a cosine is above the mean of all; what is under it has no part.

    Written out: what is exponentiated is 6 at most, and a softmax over minus infinities would need
    a weight that half precision cannot hold.
    """
    above_bpp = cosines_bpp - cosines_bpp.mean((1, 2), keepdim=True)
    part_bpp = (SHARPNESS * above_bpp).exp() * (above_bpp >= 0).to(above_bpp.dtype)
    return part_bpp / part_bpp.sum(2, keepdim=True).clamp_min(1e-6)
