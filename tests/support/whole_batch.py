"""Losses of a whole batch in one call, put together of the pieces that training puts together.

Training computes a batch in portions (training.losses.grains); values worked by hand are easier to
hold against a whole one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from training.losses.infonce import contrast_pairs
from training.losses.noun_level import NounConfig, noun_loss
from training.losses.object import object_logits
from training.losses.pixel import NEGATIVES, contrast_pixels, hardest_pixels
from training.losses.region import contrast_regions
from training.losses.text_choice import choose_among, weighted_mean


def object_loss(
    mask_bjn: Tensor,
    pixels_bnd: Tensor,
    text_jd: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    logit_scale: float,
    hard_strength: float,
) -> Tensor:
    """InfoNCE of pooled objects and captions.

    Args:
        mask_bjn: (b, j, n) in [0, 1].
        pixels_bnd: (b, n, d) unit length.
        text_jd: (j, d) unit length.
        owner_j: (j,) int64.
        ignore_bj: (b, j) bool.
        logit_scale: inverse temperature.
        hard_strength: see :func:`training.losses.negatives.weigh_hard_negatives`.

    Returns:
        Scalar loss.
    """
    logits_bj = object_logits(mask_bjn, pixels_bnd, text_jd, logit_scale)
    return contrast_pairs(logits_bj, owner_j, ignore_bj, hard_strength)


def pixel_loss(
    similarity_bjn: Tensor,
    own_similarity_jn: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    *,
    top_jp: Tensor,
    bottom_jq: Tensor,
    logit_scale: float,
    hard_negatives: int = NEGATIVES,
    weight_jp: Tensor | None = None,
) -> Tensor:
    """InfoNCE a pixel: the text meets its own pixels and others.

    Args:
        similarity_bjn: (b, j, n) pixel-to-text similarities in [-1, 1].
        own_similarity_jn: (j, n) each text's rows of it on its own image: S_ii.
        owner_j: (j,) int64.
        ignore_bj: (b, j) bool.
        top_jp: int64 (j, p) positives, see :func:`sample_pixels`.
        bottom_jq: int64 (j, q) negatives of the same image.
        logit_scale: inverse temperature.
        hard_negatives: pixels kept of other images, the highest first.
        weight_jp: (j, p) how much each positive counts; None: all alike.

    Returns:
        Scalar loss.
    """
    hardest_bjk = hardest_pixels(similarity_bjn, hard_negatives) * logit_scale
    positive_jp = own_similarity_jn.gather(1, top_jp) * logit_scale
    inside_jq = own_similarity_jn.gather(1, bottom_jq) * logit_scale
    return contrast_pixels(
        hardest_bjk, positive_jp, inside_jq, owner_j, ignore_bj, hard_negatives, weight_jp
    )


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
    scores_jsk = regions_jsd @ text_jd.T * logit_scale
    inside_jr = torch.einsum("jrd,jd->jr", background_jsd, text_jd) * logit_scale
    return contrast_regions(scores_jsk, inside_jr, owner_j, ignore_bj, hard_negatives)


def choose_text(
    parts_jsd: Tensor,
    text_jd: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    logit_scale: float,
    rivals_jsk: Tensor | None = None,
    weight_js: Tensor | None = None,
) -> Tensor:
    """InfoNCE of each part of an image over the texts.

    Args:
        parts_jsd: (j, s, d) unit-length embeddings of what stands for each text in its image.
        text_jd: (j, d) unit length.
        owner_j: (j,) int64, the image of each text.
        ignore_bj: (b, j) bool, texts that are no negatives of an image.
        logit_scale: inverse temperature.
        rivals_jsk: bool (j, s, j), texts of the same image that a part is told apart from as well;
            None: none.
        weight_js: (j, s) how much each part counts; None: all alike.

    Returns:
        Scalar loss in nats, the weighted mean over the parts.

    >>> text = torch.eye(2)
    >>> parts = text.unsqueeze(1)
    >>> none = torch.zeros(2, 2, dtype=torch.bool)
    >>> float(choose_text(parts, text, torch.tensor([0, 1]), none, 1.0)).__round__(4)
    0.3133
    """
    logits_jsk = parts_jsd @ text_jd.T * logit_scale
    same_jk = owner_j.unsqueeze(1) == owner_j.unsqueeze(0)
    negative_jsk = (~same_jk & ~ignore_bj[owner_j]).unsqueeze(1)
    if rivals_jsk is not None:
        negative_jsk = negative_jsk | (rivals_jsk & same_jk.unsqueeze(1))
    rows_j = torch.arange(len(owner_j), device=owner_j.device)
    return weighted_mean(choose_among(logits_jsk, negative_jsk, rows_j), weight_js)


def noun_terms(
    patches_bpd: Tensor,
    nouns_ud: Tensor,
    named_bu: Tensor,
    config: NounConfig,
    settle: Callable[[Tensor], Tensor] | None,
    shares: tuple[Tensor, Tensor] | None = None,
) -> dict[str, Tensor]:
    """The weighted losses of either phase, by name; see :func:`noun_loss`."""
    cover, presence = noun_loss(
        patches_bpd,
        nouns_ud,
        named_bu,
        smallest=config.noun_smallest,
        balance=config.noun_balance,
        omission=config.noun_omission,
        settle=settle,
        shares=shares,
    )
    return {"cover": config.noun_weight * cover, "presence": config.noun_weight * presence}
