"""Region-level alignment: seeds inside the mask grow into regions, regions meet their caption
against hard negatives.

A seed is drawn from its caption's mask; its region is every pixel of the image in the measure of
its affinity to the seed; the region's mean embedding must match the caption better than (a) the
regions of other images that look most like this caption and (b) the regions of the same image that
look least like it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.model.unit_length import normalize

# Seeds a caption, and as many where S is lowest: time goes with their number.
SEEDS = 6
# Share of the image, where S is lowest, that seeds outside are drawn from: one in so many pixels.
LOWEST_PART = 4
# The affinity that grows regions: its slope, and the cosine to the seed at which a pixel belongs by
# half. A pixel of the seed's own embedding belongs to its region with a weight of 0.97.
GROWTH_SHARPNESS, GROWTH_COSINE = 12.0, 0.7


@dataclass(frozen=True, kw_only=True)
class RegionConfig:
    """The region level."""

    region_weight: float = 0.5
    """Region-level InfoNCE."""
    region_negatives: int = 48
    """Hard regions of other images a caption."""


def sample_seeds(weight_jn: Tensor, seeds: int, generator: torch.Generator) -> Tensor:
    """Draw pixel indices (j, seeds), on the CPU, in proportion to non-negative weights, without
    replacement.
    """
    return torch.multinomial(weight_jn.cpu() + 1e-6, seeds, replacement=False, generator=generator)


def grow_regions(
    pixels_bnd: Tensor,
    owner_j: Tensor,
    seeds_js: Tensor,
    sharpness: float = GROWTH_SHARPNESS,
    cosine: float = GROWTH_COSINE,
) -> Tensor:
    """Mean embedding of each seed's region.

    Args:
        pixels_bnd: (b, n, d) unit length.
        owner_j: (j,) image of each row of seeds.
        seeds_js: (j, s) pixel indices.
        sharpness: slope of the affinity's sigmoid.
        cosine: similarity to the seed at which a pixel belongs by half.

    Returns:
        (j, s, d) unit length.
    """
    pixels = pixels_bnd.shape[1]
    pixels_jnd = pixels_bnd.index_select(0, owner_j)
    # index_select throughout: its gradient is many times cheaper than that of indexing with a
    # tensor.
    rows_js = owner_j.unsqueeze(1) * pixels + seeds_js
    seed_jsd = (
        pixels_bnd.detach()
        .flatten(0, 1)
        .index_select(0, rows_js.flatten())
        .unflatten(0, seeds_js.shape)
    )
    # Which pixels belong is a pseudo label: no gradient through the affinity, only through the
    # mean.
    affinity_jsn = torch.sigmoid(
        sharpness * (seed_jsd @ pixels_jnd.detach().transpose(1, 2) - cosine)
    )
    return normalize(affinity_jsn @ pixels_jnd, dim=-1)


def region_loss(
    regions_jsd: Tensor,
    background_jsd: Tensor,
    text_jd: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    logit_scale: float,
    hard_negatives: int,
) -> Tensor:
    """InfoNCE of each region against its caption's hard negatives.

    Args:
        regions_jsd: (j, s, d) regions grown inside each caption's mask.
        background_jsd: (j, r, d) regions of the same image grown where S is lowest.
        text_jd: (j, d).
        owner_j: (j,).
        ignore_bj: (b, j) bool.
        logit_scale: inverse temperature.
        hard_negatives: how many regions of other images, the most similar first.

    Returns:
        Scalar loss.
    """
    captions, seeds, width = regions_jsd.shape
    positive_js = torch.einsum("jsd,jd->js", regions_jsd, text_jd) * logit_scale
    # Every region against every caption; rows of the caption's own image and of false negatives are
    # out.
    across_jjs = (text_jd @ regions_jsd.reshape(-1, width).T).reshape(
        captions, captions, seeds
    ) * logit_scale
    blocked_jj = ignore_bj[owner_j].T | (owner_j.unsqueeze(0) == owner_j.unsqueeze(1))
    across_jm = across_jjs.masked_fill(blocked_jj.unsqueeze(-1), float("-inf")).flatten(1)
    hardest_jk = across_jm.topk(min(hard_negatives, across_jm.shape[1]), dim=1).values
    inside_jr = torch.einsum("jrd,jd->jr", background_jsd, text_jd) * logit_scale
    negatives_j = torch.logsumexp(torch.cat([hardest_jk, inside_jr], dim=1), dim=1, keepdim=True)
    return (torch.logaddexp(positive_js, negatives_j) - positive_js).mean()
