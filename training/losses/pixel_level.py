"""Pixel-level alignment: sampled pixels meet their caption against the hardest pixels.

Positives come from the top of S_ii; negatives are the pixels of other images that score highest
against this caption, and the bottom of S_ii.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_loss(
    similarity_bjn: Tensor,
    own_similarity_jn: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    *,
    guide_jn: Tensor | None = None,
    logit_scale: float,
    positives: int,
    top_share: float,
    hard_negatives: int,
    bottom_share: float,
    generator: torch.Generator,
) -> Tensor:
    """InfoNCE a pixel.

    Args:
        similarity_bjn: (b, j, n) pixel-to-text similarities in [-1, 1].
        own_similarity_jn: (j, n) each caption's rows of it on its own image: S_ii.
        owner_j: (j,) int64.
        ignore_bj: (b, j) bool.
        guide_jn: (j, n) what top and bottom of an image are read off; None: S_ii.
        logit_scale: inverse temperature.
        positives: pixels sampled a caption from the top of its own image.
        top_share: share of the image, from the top of S_ii, that positives are sampled from.
        hard_negatives: pixels kept of other images, the highest first; as many are sampled from the
            bottom of S_ii.
        bottom_share: share of the image, from the bottom of S_ii, that inside negatives are sampled
            from.
        generator: source of the sampling.

    Returns:
        Scalar loss.
    """
    images, _, pixels = similarity_bjn.shape
    own_jn = own_similarity_jn
    order_jn = (own_jn if guide_jn is None else guide_jn).detach().argsort(dim=1, descending=True)
    top = max(positives, int(top_share * pixels))
    bottom = max(hard_negatives, int(bottom_share * pixels))
    positive_jp = (
        own_jn.gather(1, _sample_columns(order_jn[:, :top], positives, generator)) * logit_scale
    )
    inside_jq = (
        own_jn.gather(1, _sample_columns(order_jn[:, -bottom:], hard_negatives, generator))
        * logit_scale
    )

    own_bj = owner_j.unsqueeze(0) == torch.arange(images, device=owner_j.device).unsqueeze(1)
    # The hardest pixel of each other image first, then the hardest of those images: one image full
    # of lookalikes must not fill the whole list.
    per_image = max(1, hard_negatives // 4)
    hardest_bjk = similarity_bjn.topk(per_image, dim=2).values.masked_fill(
        (own_bj | ignore_bj).unsqueeze(-1), -torch.inf
    )
    across_jm = hardest_bjk.transpose(0, 1).flatten(1)
    across_jk = across_jm.topk(min(hard_negatives, across_jm.shape[1]), dim=1).values * logit_scale
    negatives_j1 = torch.logsumexp(torch.cat([across_jk, inside_jq], dim=1), dim=1, keepdim=True)
    return (torch.logaddexp(positive_jp, negatives_j1) - positive_jp).mean()


def _sample_columns(index_jm: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The same random columns for every row: (j, count)."""
    chosen = torch.randint(index_jm.shape[1], (count,), generator=generator)
    return index_jm[:, chosen.to(index_jm.device)]
