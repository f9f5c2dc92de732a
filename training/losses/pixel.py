"""Pixel-level alignment: sampled pixels meet their caption against the hardest pixels.

Positives come from the top of S_ii; negatives are the pixels of other images that score highest
against this caption, and the bottom of S_ii.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.text_choice import weighted_mean

# Pixels sampled a caption from the top of S_ii, and the share of the image that counts as the top:
# small, so that positives of a small thing are its own pixels.
POSITIVES, TOP_SHARE = 24, 0.06
# Hard pixels of other images a caption, and as many from the bottom of S_ii; the share of the image
# that counts as the bottom, which a thing of up to two thirds of the image does not reach.
NEGATIVES, BOTTOM_SHARE = 48, 0.3


@dataclass(frozen=True, kw_only=True)
class PixelConfig:
    """The pixel level."""

    pixel_weight: float = 0.5
    """Pixel-level InfoNCE."""


def sample_pixels(
    guide_jn: Tensor,
    *,
    positives: int = POSITIVES,
    top_share: float = TOP_SHARE,
    negatives: int = NEGATIVES,
    bottom_share: float = BOTTOM_SHARE,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw each text's pixels of its own image.

    Args:
        guide_jn: (j, n) what top and bottom are read off: S_ii, or what it has settled to.
        positives: pixels a text from the top.
        top_share: share of the image that counts as the top.
        negatives: pixels a text from the bottom.
        bottom_share: share of the image that counts as the bottom.
        generator: source of the sampling.

    Returns:
        Pixel indices int64 (j, positives) and (j, negatives).
    """
    order_jn = guide_jn.detach().argsort(dim=1, descending=True)
    pixels = guide_jn.shape[1]
    top = max(positives, int(top_share * pixels))
    bottom = max(negatives, int(bottom_share * pixels))
    return (
        _sample_columns(order_jn[:, :top], positives, generator),
        _sample_columns(order_jn[:, -bottom:], negatives, generator),
    )


def hardest_pixels(similarity_bjn: Tensor, hard_negatives: int = NEGATIVES) -> Tensor:
    """Similarities (b, j, k) of each image's few pixels that are nearest to each text.

    The hardest pixel of each other image first, then the hardest of those images: one image full of
    lookalikes must not fill the whole list.
    """
    return similarity_bjn.topk(max(1, hard_negatives // 4), dim=2).values


def contrast_pixels(
    hardest_bjk: Tensor,
    positive_jp: Tensor,
    inside_jq: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    hard_negatives: int = NEGATIVES,
    weight_jp: Tensor | None = None,
) -> Tensor:
    """InfoNCE a pixel: a text meets its own pixels and others.

    Args:
        hardest_bjk: (b, j, k) of :func:`hardest_pixels`.
        positive_jp: (j, p) of each text with the pixels drawn for it.
        inside_jq: (j, q) of each text with the bottom of its image.
        owner_j: (j,) int64.
        ignore_bj: (b, j) bool.
        hard_negatives: pixels kept of other images, the highest first.
        weight_jp: how much each positive counts; None: all alike.

    Returns:
        Scalar loss.
    """
    images = hardest_bjk.shape[0]
    own_bj = owner_j.unsqueeze(0) == torch.arange(images, device=owner_j.device).unsqueeze(1)
    hardest_bjk = hardest_bjk.masked_fill((own_bj | ignore_bj).unsqueeze(-1), -torch.inf)
    across_jm = hardest_bjk.transpose(0, 1).flatten(1)
    across_jk = across_jm.topk(min(hard_negatives, across_jm.shape[1]), dim=1).values
    negatives_j1 = torch.logsumexp(torch.cat([across_jk, inside_jq], dim=1), dim=1, keepdim=True)
    return weighted_mean(torch.logaddexp(positive_jp, negatives_j1) - positive_jp, weight_jp)


def _sample_columns(index_jm: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The same random columns for every row: (j, count)."""
    chosen = torch.randint(index_jm.shape[1], (count,), generator=generator)
    return index_jm[:, chosen.to(index_jm.device)]
