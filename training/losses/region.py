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

from training.losses.portions import Place
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


def sample_seeds(
    weight_jn: Tensor, seeds: int, generator: torch.Generator, place: Place | None = None
) -> Tensor:
    """Draw pixel indices (j, seeds), on the CPU, in proportion to non-negative weights, without
    replacement.

    As ``torch.multinomial`` draws them (a race of exponentials), but for all texts of the batch
    that is contrasted: a text's seeds do not depend on how the batch is shared out.

    Args:
        weight_jn: (j, n) of this portion's texts.
        seeds: how many.
        generator: in the same state in all portions.
        place: of these texts in the batch; None: they are all of it.
    """
    weight_jn = weight_jn.cpu() + 1e-6
    texts = weight_jn.shape[0] if place is None else place.texts
    lots_jn = weight_jn.new_empty(texts, weight_jn.shape[1]).exponential_(generator=generator)
    if place is not None:
        lots_jn = lots_jn[place.rows_j.cpu()]
    return (weight_jn / lots_jn).topk(seeds, dim=1).indices


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
    each_once = torch.equal(owner_j, torch.arange(len(pixels_bnd), device=owner_j.device))
    # Where every image has one text there is no need of a copy.
    pixels_jnd = pixels_bnd if each_once else pixels_bnd.index_select(0, owner_j)
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


def contrast_regions(
    scores_jsk: Tensor,
    inside_jr: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    hard_negatives: int,
) -> Tensor:
    """InfoNCE of each region against its text's hard negatives.

    Args:
        scores_jsk: (j, s, j) of each text's regions with every text.
        inside_jr: (j, r) of each text with the regions of its image where S is lowest.
        owner_j: (j,).
        ignore_bj: (b, j) bool.
        hard_negatives: how many regions of other images, the most similar first.

    Returns:
        Scalar loss.
    """
    positive_js = scores_jsk.diagonal(dim1=0, dim2=2).T
    # Every region against every caption; rows of the caption's own image and of false negatives are
    # out.
    across_jjs = scores_jsk.permute(2, 0, 1)
    blocked_jj = ignore_bj[owner_j].T | (owner_j.unsqueeze(0) == owner_j.unsqueeze(1))
    across_jm = across_jjs.masked_fill(blocked_jj.unsqueeze(-1), float("-inf")).flatten(1)
    hardest_jk = across_jm.topk(min(hard_negatives, across_jm.shape[1]), dim=1).values
    negatives_j = torch.logsumexp(torch.cat([hardest_jk, inside_jr], dim=1), dim=1, keepdim=True)
    return (torch.logaddexp(positive_js, negatives_j) - positive_js).mean()
