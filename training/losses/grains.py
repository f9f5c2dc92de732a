"""What each of MGCA's grains asks of one batch: the terms that ``MgcaObjective`` adds up.

Shape legend: b images, j texts, n pixels (h' x w'), d embedding width, s seeds, p positives,
q negatives inside the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.config import LossConfig
from training.losses.object import ForegroundMask, object_loss
from training.losses.pixel import pixel_loss, sample_pixels
from training.losses.priors import area_prior, total_variation
from training.losses.region import (
    LOWEST_PART,
    SEEDS,
    grow_regions,
    region_loss,
    sample_seeds,
)
from training.losses.text_choice import choose_text, find_rivals


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Where the texts and the pixels of a batch meet.

    Attributes:
        pixels_bnd: float32 (b, n, d), unit length: what is trained.
        text_jd: float32 (j, d), unit length, frozen.
        owner_j: int64 (j,), the image that each text belongs to.
        ignore_bj: bool (b, j), pairs that are neither positive nor negative.
        similarity_bjn: (b, j, n) cosines.
        own_jn: S_ii, (j, n), each text on its own image (:func:`select_own`).
        guide_jn: (j, n) in [0, 1], how much each text holds the pixels of its image; no gradient.
    """

    pixels_bnd: Tensor
    text_jd: Tensor
    owner_j: Tensor
    ignore_bj: Tensor
    similarity_bjn: Tensor
    own_jn: Tensor
    guide_jn: Tensor


def select_own(similarity_bjn: Tensor, owner_j: Tensor) -> Tensor:
    """S_ii: (j, n). index_select, because its gradient is the cheap one."""
    texts = similarity_bjn.shape[1]
    rows_j = owner_j * texts + torch.arange(texts, device=owner_j.device)
    return similarity_bjn.flatten(0, 1).index_select(0, rows_j)


def object_term(seen: Alignment, config: LossConfig, mask: ForegroundMask) -> Tensor:
    """The object level: pixels pooled under a text's mask meet the batch's texts."""
    whole = config.object_mask == "whole"
    similarity_bjn = seen.similarity_bjn
    return object_loss(
        torch.ones_like(similarity_bjn) if whole else mask(similarity_bjn),
        seen.pixels_bnd,
        seen.text_jd,
        seen.owner_j,
        seen.ignore_bj,
        config.logit_scale,
        config.hard_strength,
    )


def region_term(seen: Alignment, config: LossConfig, generator: torch.Generator) -> Tensor:
    """The region level: regions grown from seeds meet their text, and choose it among texts.

    Args:
        seen: the batch.
        config: how many hard regions.
        generator: draws the seeds; on the CPU.
    """
    owner_j, guide_jn = seen.owner_j, seen.guide_jn
    inside_js = sample_seeds(guide_jn, SEEDS, generator).to(owner_j.device)
    pixels = guide_jn.shape[1]
    lowest = guide_jn.topk(max(SEEDS, pixels // LOWEST_PART), dim=1, largest=False).indices
    drawn = torch.randint(lowest.shape[1], (SEEDS,), generator=generator).to(lowest.device)
    regions = grow_regions(seen.pixels_bnd, owner_j, inside_js)
    background = grow_regions(seen.pixels_bnd, owner_j, lowest[:, drawn])
    found = region_loss(
        regions,
        background,
        seen.text_jd,
        owner_j,
        seen.ignore_bj,
        config.logit_scale,
        config.region_negatives,
    )
    rivals = find_rivals(guide_jn, inside_js, owner_j)
    chosen = choose_text(regions, seen.text_jd, owner_j, seen.ignore_bj, config.logit_scale, rivals)
    return 0.5 * (found + chosen)


def pixel_term(seen: Alignment, config: LossConfig, generator: torch.Generator) -> Tensor:
    """The pixel level: sampled pixels meet their text, and choose it among texts.

    Args:
        seen: the batch.
        config: the inverse temperature.
        generator: draws them; on the CPU.
    """
    guide_jn, owner_j = seen.guide_jn, seen.owner_j
    top_jp, bottom_jq = sample_pixels(guide_jn, generator=generator)
    held_jp = guide_jn.gather(1, top_jp)
    found = pixel_loss(
        seen.similarity_bjn,
        seen.own_jn,
        owner_j,
        seen.ignore_bj,
        top_jp=top_jp,
        bottom_jq=bottom_jq,
        logit_scale=config.logit_scale,
        weight_jp=held_jp,
    )
    rows_jp = owner_j.unsqueeze(1) * seen.pixels_bnd.shape[1] + top_jp
    chosen_jpd = seen.pixels_bnd.flatten(0, 1).index_select(0, rows_jp.flatten())
    chosen = choose_text(
        chosen_jpd.unflatten(0, top_jp.shape),
        seen.text_jd,
        owner_j,
        seen.ignore_bj,
        config.logit_scale,
        find_rivals(guide_jn, top_jp, owner_j),
        held_jp,
    )
    return 0.5 * (found + chosen)


def prior_terms(own_mask_jn: Tensor, colors_j3hw: Tensor, config: LossConfig) -> dict[str, Tensor]:
    """The weighted priors on the masks: their area, and edges where the image has them.

    Args:
        own_mask_jn: each text's mask on its own image.
        colors_j3hw: that image on the decoder's grid, in [0, 1].
        config: their weights; a term without weight is left out.
    """
    terms: dict[str, Tensor] = {}
    if config.area_weight:
        area = area_prior(own_mask_jn)
        terms["area"] = config.area_weight * area
    if config.smooth_weight:
        masks_jhw = own_mask_jn.reshape(-1, *colors_j3hw.shape[2:])
        rough = total_variation(masks_jhw, colors_j3hw)
        terms["smooth"] = config.smooth_weight * rough
    return terms
