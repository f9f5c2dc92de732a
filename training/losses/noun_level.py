"""Patches name what they show: every patch chooses among the batch's nouns.

Weak supervision as in one-stage segmentation from image labels (Araslanov and Roth 2020), with
nouns of captions for labels and text embeddings for the classifier: a patch may only choose what
its image's captions name, and what they name must be chosen somewhere.

Shape legend: b images, p patches, u nouns, d embedding width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def noun_loss(
    patches_bpd: Tensor,
    nouns_ud: Tensor,
    named_bu: Tensor,
    *,
    scale: float = 20.0,
    tolerance: float = 0.005,
    smallest: float = 0.015,
) -> tuple[Tensor, Tensor]:
    """Two losses over the softmax of each patch's cosines to all nouns of the batch.

    *Cover*: ``-log`` of the probability that a patch gives to the nouns its image names. Captions
    leave things out, so the loss is bounded at ``-log(tolerance)``, where its gradient vanishes.

    *Presence*: ``-log`` of a named noun's mean probability over the few patches that choose it
    most, so that one patch of sun counts as much as a sky full of sky, and a sky is not asked to
    become sun.

    Args:
        patches_bpd: (b, p, d) patch embeddings, any length.
        nouns_ud: (u, d) unit-length text embeddings.
        named_bu: bool (b, u), the nouns that each image's captions name.
        scale: inverse temperature of the softmax.
        tolerance: share of doubt in *cover*, in (0, 1).
        smallest: share of the patches that have to choose a named noun; at least one patch.

    Returns:
        Scalars (cover, presence), the second per named noun; zero where no image names anything.
    """
    cosine_bpu = F.normalize(patches_bpd, dim=-1) @ nouns_ud.T
    chosen_bpu = torch.softmax(cosine_bpu * scale, dim=-1)
    named_bu = named_bu.to(chosen_bpu.dtype)
    speaks_b = (named_bu.sum(1) > 0).to(chosen_bpu.dtype)
    covered_bp = torch.einsum("bpu,bu->bp", chosen_bpu, named_bu)
    cover_b = -torch.log(tolerance + (1 - tolerance) * covered_bp).mean(1)
    cover = (cover_b * speaks_b).sum() / speaks_b.sum().clamp_min(1.0)
    few = max(1, round(smallest * chosen_bpu.shape[1]))
    present_bu = chosen_bpu.topk(few, dim=1).values.mean(1)
    presence_bu = -torch.log(present_bu.clamp_min(1e-6))
    presence = (presence_bu * named_bu).sum() / named_bu.sum().clamp_min(1.0)
    return cover, presence
