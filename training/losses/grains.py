"""What each of MGCA's grains reads off the images of one portion, and what it makes of the pieces
of the whole batch: the terms that ``MgcaObjective`` adds up.

Shape legend: b images of the portion, j texts of theirs, k texts of the whole batch, n pixels
(h' x w'), d embedding width, s seeds, p positives, q negatives inside the image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.losses.alignment import Alignment, Meeting
from training.losses.config import LossConfig
from training.losses.infonce import contrast_pairs
from training.losses.object import ForegroundMask, object_logits
from training.losses.pixel import contrast_pixels, hardest_pixels, sample_pixels
from training.losses.portions import Pieces, mean_of, ratio
from training.losses.priors import area_prior, total_variation
from training.losses.region import (
    LOWEST_PART,
    SEEDS,
    contrast_regions,
    grow_regions,
    sample_seeds,
)
from training.losses.text_choice import choose_among, find_rivals


def survey_objects(seen: Alignment, config: LossConfig, mask: ForegroundMask) -> Pieces:
    """The object level: pixels pooled under a text's mask meet the batch's texts."""
    similarity_bkn = seen.similarity_bkn
    whole = config.object_mask == "whole"
    mask_bkn = torch.ones_like(similarity_bkn) if whole else mask(similarity_bkn)
    logits_bk = object_logits(mask_bkn, seen.pixels_bnd, seen.text_kd, config.logit_scale)
    return {"object": logits_bk}


def compare_objects(pieces: Pieces, met: Meeting, config: LossConfig) -> Tensor:
    """The object level's loss."""
    return contrast_pairs(pieces["object"], met.owner_k, met.ignore_bk, config.hard_strength)


def survey_regions(seen: Alignment, config: LossConfig, generator: torch.Generator) -> Pieces:
    """The region level: regions grown from seeds meet the batch's texts.

    Args:
        seen: the portion.
        config: the inverse temperature.
        generator: draws the seeds; on the CPU.
    """
    owner_j, guide_jn = seen.owner_j, seen.guide_jn
    inside_js = sample_seeds(guide_jn, SEEDS, generator, seen.place).to(owner_j.device)
    pixels = guide_jn.shape[1]
    lowest = guide_jn.topk(max(SEEDS, pixels // LOWEST_PART), dim=1, largest=False).indices
    drawn = torch.randint(lowest.shape[1], (SEEDS,), generator=generator).to(lowest.device)
    # Both at once: what takes the time is to pass over all pixels.
    seeds_jr = torch.cat([inside_js, lowest[:, drawn]], dim=1)
    regions, background = grow_regions(seen.pixels_bnd, owner_j, seeds_jr).split(SEEDS, dim=1)
    own_jd = seen.text_kd.index_select(0, seen.place.rows_j)
    scores_jsk = regions @ seen.text_kd.T * config.logit_scale
    inside_jr = torch.einsum("jrd,jd->jr", background, own_jd) * config.logit_scale
    chosen_js = _choose(scores_jsk, seen, inside_js)
    return {
        "region_scores": scores_jsk,
        "region_inside": inside_jr,
        "region_choice": ratio(chosen_js.sum(), chosen_js.numel()),
    }


def compare_regions(pieces: Pieces, met: Meeting, config: LossConfig) -> Tensor:
    """The region level's loss: a text finds its regions, and they choose it among texts."""
    found = contrast_regions(
        met.sort(pieces["region_scores"]),
        met.sort(pieces["region_inside"]),
        met.owner_k,
        met.ignore_bk,
        config.region_negatives,
    )
    return 0.5 * (found + mean_of(pieces["region_choice"]))


def survey_pixels(seen: Alignment, config: LossConfig, generator: torch.Generator) -> Pieces:
    """The pixel level: sampled pixels meet the batch's texts.

    Args:
        seen: the portion.
        config: the inverse temperature.
        generator: draws them; on the CPU.
    """
    guide_jn, scale = seen.guide_jn, config.logit_scale
    top_jp, bottom_jq = sample_pixels(guide_jn, generator=generator)
    held_jp = guide_jn.gather(1, top_jp)
    choice_jp = _choose(_score_pixels(seen, top_jp) * scale, seen, top_jp)
    return {
        "pixel_hardest": hardest_pixels(seen.similarity_bkn) * scale,
        "pixel_own": seen.own_jn.gather(1, top_jp) * scale,
        "pixel_inside": seen.own_jn.gather(1, bottom_jq) * scale,
        "pixel_held": held_jp,
        "pixel_choice": ratio((choice_jp * held_jp).sum(), held_jp.sum()),
    }


def compare_pixels(pieces: Pieces, met: Meeting) -> Tensor:
    """The pixel level's loss: a text finds its pixels, and they choose it among texts."""
    found = contrast_pixels(
        pieces["pixel_hardest"],
        met.sort(pieces["pixel_own"]),
        met.sort(pieces["pixel_inside"]),
        met.owner_k,
        met.ignore_bk,
        weight_jp=met.sort(pieces["pixel_held"]),
    )
    return 0.5 * (found + mean_of(pieces["pixel_choice"]))


def _score_pixels(seen: Alignment, chosen_jp: Tensor) -> Tensor:
    """(j, p, k): cosines of chosen pixels of each text's image with all texts."""
    _, texts, pixels = seen.similarity_bkn.shape
    if texts >= seen.text_kd.shape[1]:
        rows_jp = seen.owner_j.unsqueeze(1) * pixels + chosen_jp
        chosen_md = seen.pixels_bnd.flatten(0, 1).index_select(0, rows_jp.flatten())
        return chosen_md.unflatten(0, chosen_jp.shape) @ seen.text_kd.T
    # They are known already; picking them has a gradient of k numbers a pixel, vectors one of d.
    row_k = torch.arange(texts, device=chosen_jp.device)
    row_j1k = (seen.owner_j.unsqueeze(1) * texts + row_k).unsqueeze(1)
    at_jpk = row_j1k * pixels + chosen_jp.unsqueeze(2)
    return seen.similarity_bkn.flatten().gather(0, at_jpk.flatten()).unflatten(0, at_jpk.shape)


def _choose(logits_jsk: Tensor, seen: Alignment, chosen_js: Tensor) -> Tensor:
    """(j, s): parts of images choose their text among those of other images, and those of the same
    image that say less of them.
    """
    rivals_jsj = find_rivals(seen.guide_jn, chosen_js, seen.owner_j)
    negative_jsk = seen.others_bk[seen.owner_j].unsqueeze(1).repeat(1, chosen_js.shape[1], 1)
    # Texts of the same image are in the same portion, and no negatives of it so far.
    negative_jsk[:, :, seen.place.rows_j] |= rivals_jsj
    return choose_among(logits_jsk, negative_jsk, seen.place.rows_j)


def survey_masks(own_mask_jn: Tensor, colors_j3hw: Tensor, config: LossConfig) -> Pieces:
    """The priors on the masks: their area, and edges where the image has them.

    Args:
        own_mask_jn: each text's mask on its own image.
        colors_j3hw: that image on the decoder's grid, in [0, 1].
        config: their weights; a term without weight is left out.
    """
    texts, nothing = len(own_mask_jn), own_mask_jn.sum()
    pieces: Pieces = {}
    if config.area_weight:
        area = texts * area_prior(own_mask_jn) if texts else nothing
        pieces["area"] = ratio(area, texts)
    if config.smooth_weight:
        masks_jhw = own_mask_jn.reshape(-1, *colors_j3hw.shape[2:])
        rough = texts * total_variation(masks_jhw, colors_j3hw) if texts else nothing
        pieces["smooth"] = ratio(rough, texts)
    return pieces
