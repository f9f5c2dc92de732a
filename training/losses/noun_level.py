"""Patches name what they show: every patch chooses among the batch's nouns.

Weak supervision as in one-stage segmentation from image labels (Araslanov and Roth 2020), with
nouns of captions for labels and text embeddings for the classifier: a patch may only choose what
its image's captions name, and what they name must be chosen somewhere.

Shape legend: b images, p patches, u nouns, d embedding width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# Adds up sums over the portions of a batch.
Join = Callable[[Tensor], Tensor]
# Share of an image below which a noun's area is not told apart.
SMALLEST_AREA = 0.002
SCALE = 20.0  # inverse temperature of the choice among nouns
# Inverse temperature at which a noun's cosines over an image become one number: between their mean
# and their largest.
SURVEY_SCALE = 10.0
# Share of doubt in what captions name: a patch that is surer than this of something else is let be.
TOLERANCE = 0.005


@dataclass(frozen=True, kw_only=True)
class NounConfig:
    """The noun-level losses, which both phases have."""

    noun_weight: float = 1.0
    """Their weight; 0: none."""
    noun_balance: float = 1.0
    """How far the nouns' areas are evened out. A tower that starts from nothing needs 1; later it
    claims too much for small things.
    """
    noun_smallest: float = 0.05
    """Share of an image that has to choose a noun it names. Large while nouns are to be found at
    all; small things spill over their edges until it is smaller than they are.
    """
    noun_omission: float = 0.0
    """How likely captions leave out what they could name."""
    noun_discount: float = 0.0
    """Share of a noun's level over the whole image that is taken off before patches choose among
    the nouns that are named (:func:`choose_nouns`).
    """
    color_sharpness: float = 0.0
    """How much alike patches have to look to share what they are taught
    (training.losses.affinity); 0: each is taught alone.
    """
    contrast_weight: float = 1.0
    """How much the colors' spread within a patch counts beside their mean, for that: what is
    thinner than a patch (poles, bicycles) is told from what is behind it by its contrast alone.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.noun_omission <= 1:
            raise ValueError(f"noun_omission is {self.noun_omission}; expected 0 to 1")
        if not 0 <= self.noun_discount <= 1:
            raise ValueError(f"noun_discount is {self.noun_discount}; expected 0 to 1")


def noun_loss(
    patches_bpd: Tensor,
    nouns_ud: Tensor,
    named_bu: Tensor,
    *,
    scale: float = SCALE,
    tolerance: float = TOLERANCE,
    smallest: float = 0.05,
    balance: float = 1.0,
    omission: float = 0.0,
    settle: Callable[[Tensor], Tensor] | None = None,
    shares: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Two losses over the softmax of each patch's cosines to all nouns of the batch.

    *Cover*: each patch is taught the nouns its image names, shared out by what it says already
    (partial labels: Lv et al. 2020), but a noun that gets little of the images that name it gets
    more of each patch: else the first noun to be learned (sky) takes every patch of its images, and
    a dog never begins. Captions leave things out, so a patch that is sure of something unnamed is
    let be: its loss is weighed by ``covered / (tolerance + covered)``.

    *Presence*: ``-log`` of a named noun's mean probability over the few patches that choose it
    most, so that a small thing counts as much as a sky full of sky, and a sky is not asked to
    become sun.

    Args:
        patches_bpd: (b, p, d) patch embeddings, any length.
        nouns_ud: (u, d) unit-length text embeddings.
        named_bu: bool (b, u), the nouns that each image's captions name.
        scale: inverse temperature of the softmax.
        tolerance: share of doubt in *cover*, in (0, 1).
        smallest: share of the patches that have to choose a named noun; at least one patch.
        balance: in [0, 1], how far the nouns' areas are evened out: 0 not at all, 1 as if every
            noun filled as much of the images that name it as any other.
        omission: in [0, 1], how likely a noun that could be named is left out: what an unnamed noun
            still may claim of a patch.
        settle: averages targets (b, p, u) over patches that look the same (training.losses.affinity
            and settling); None: each patch is taught by its own choice alone.
        shares: targets and weights that the caller has found already (:func:`share_nouns`).

    Returns:
        Scalars (cover, presence), the second per named noun; zero where no image names anything.
    """
    named_bu = named_bu.to(patches_bpd.dtype)
    if shares is None:
        with torch.no_grad():
            chosen_bpu = choose_nouns(patches_bpd, nouns_ud, scale=scale)
            shares = share_patches(chosen_bpu, named_bu, tolerance, balance, omission)
            shares = (shares[0] if settle is None else settle(shares[0]), shares[1])
    sums_22 = sum_noun_losses(
        patches_bpd, nouns_ud, named_bu, shares, scale=scale, smallest=smallest
    )
    cover, presence = sums_22[:, 0] / sums_22[:, 1].clamp_min(1.0)
    return cover, presence


def sum_noun_losses(
    patches_bpd: Tensor,
    nouns_ud: Tensor,
    named_bu: Tensor,
    shares: tuple[Tensor, Tensor],
    *,
    scale: float = SCALE,
    smallest: float = 0.05,
) -> Tensor:
    """:func:`noun_loss` as sums, which those of other images can be added to.

    Args:
        patches_bpd: as there.
        nouns_ud: as there.
        named_bu: as there.
        shares: targets (b, p, u) and weights (b, p).
        scale: as there.
        smallest: as there.

    Returns:
        (2, 2): a row for *cover*, one for *presence*: the sum, and how many images that name
        something, or named nouns, it is to be divided by.
    """
    cosine_bpu = F.normalize(patches_bpd, dim=-1) @ nouns_ud.T
    log_chosen_bpu = torch.log_softmax(cosine_bpu * scale, dim=-1)
    chosen_bpu = log_chosen_bpu.exp()
    named_bu = named_bu.to(chosen_bpu.dtype)
    speaks_b = (named_bu.sum(1) > 0).to(chosen_bpu.dtype)
    target_bpu, weight_bp = shares
    cover_b = -(weight_bp * (target_bpu * log_chosen_bpu).sum(-1)).mean(1)
    few = max(1, round(smallest * chosen_bpu.shape[1]))
    present_bu = chosen_bpu.topk(few, dim=1).values.mean(1)
    presence_bu = -torch.log(present_bu.clamp_min(1e-6))
    cover = torch.stack([(cover_b * speaks_b).sum(), speaks_b.sum()])
    presence = torch.stack([(presence_bu * named_bu).sum(), named_bu.sum()])
    return torch.stack([cover, presence])


def share_patches(
    chosen_bpu: Tensor,
    named_bu: Tensor,
    tolerance: float,
    balance: float,
    omission: float = 0.0,
    join: Join | None = None,
) -> tuple[Tensor, Tensor]:
    """What each patch is to learn: its present choice among the nouns its image names, the nouns'
    areas evened out.

    Args:
        chosen_bpu: (b, p, u) probabilities, rows sum to 1.
        named_bu: (b, u), 1 where image b names noun u, else 0.
        tolerance: see :func:`noun_loss`.
        balance: see :func:`noun_loss`.
        omission: see there.
        join: adds up what other portions of the batch found of the nouns' areas; None: this is the
            whole batch.

    Returns:
        Targets (b, p, u), rows sum to 1 where the image names anything, and the patches' weights
        (b, p) in [0, 1).
    """
    candidate_bpu = chosen_bpu * (omission + (1.0 - omission) * named_bu).unsqueeze(1)
    covered_bp1 = candidate_bpu.sum(-1, keepdim=True)
    target_bpu = candidate_bpu / covered_bp1.clamp_min(1e-6)
    # Mean area of a noun in the images that name it; the floor keeps a few lost pixels of a rare
    # noun from weighing like a discovery.
    sums_2u = torch.stack([(target_bpu.mean(1) * named_bu).sum(0), named_bu.sum(0)])
    if join is not None:
        sums_2u = join(sums_2u)
    area_u = sums_2u[0] / sums_2u[1].clamp_min(1.0)
    target_bpu = target_bpu * area_u.clamp_min(SMALLEST_AREA) ** -balance
    target_bpu = target_bpu / target_bpu.sum(-1, keepdim=True).clamp_min(1e-6)
    weight_bp = (covered_bp1 / (tolerance + (1 - tolerance) * covered_bp1)).squeeze(-1)
    return target_bpu, weight_bp


@torch.no_grad()
def choose_nouns(
    patches_bpd: Tensor, nouns_ud: Tensor, discount: float = 0.0, scale: float = SCALE
) -> Tensor:
    """What patches say they show, to be taught: probabilities (b, p, u) over the nouns.

    A picture of a beach suits "sand", "boat" and "water" all over, by its company more than by what
    each patch shows. Among nouns that are known to be there, what a noun has on *every* patch of an
    image says nothing of where it is, so a share of it is taken off (as class activation maps are
    normalised image by image before they are cut: Zhou et al. 2016).

    Args:
        patches_bpd: (b, p, d) patch embeddings, any length.
        nouns_ud: (u, d) unit-length text embeddings.
        discount: the share, in [0, 1], of each noun's level in an image (the soft maximum of its
            cosines over the patches).
        scale: inverse temperature.
    """
    cosine_bpu = F.normalize(patches_bpd, dim=-1) @ nouns_ud.T
    if discount:
        patches = cosine_bpu.shape[1]
        level_b1u = torch.logsumexp(cosine_bpu * SURVEY_SCALE, dim=1, keepdim=True)
        level_b1u = (level_b1u - math.log(patches)) / SURVEY_SCALE
        cosine_bpu = cosine_bpu - discount * level_b1u
    return torch.softmax(cosine_bpu * scale, dim=-1)


@torch.no_grad()
def share_nouns(
    chosen_bpu: Tensor,
    named_bu: Tensor,
    config: NounConfig,
    settle: Callable[[Tensor], Tensor] | None,
    join: Join | None = None,
) -> tuple[Tensor, Tensor]:
    """What each patch is taught and how much it counts: :func:`share_patches` of a choice
    (:func:`choose_nouns`), whoever made it; settled.
    """
    target_bpu, weight_bp = share_patches(
        chosen_bpu,
        named_bu.to(chosen_bpu.dtype),
        TOLERANCE,
        config.noun_balance,
        config.noun_omission,
        join,
    )
    return (target_bpu if settle is None else settle(target_bpu)), weight_bp


def note_areas(share: Callable[[Join], object], nothing: Tensor) -> Tensor:
    """What a portion would have added up by ``join``: (2, u).

    Args:
        share: shares nouns out, with the ``join`` that it is given.
        nothing: where it does not ask for any.
    """
    noted = [nothing]

    def note(sums_2u: Tensor) -> Tensor:
        noted.append(sums_2u)
        return sums_2u

    share(note)
    return noted[-1]
