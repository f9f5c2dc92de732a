"""Which image-caption pairs count as negatives.

With random batches most scenes hold a road, so "a road under a grey sky" of another scene is no
negative. Two signs, both read off the frozen CLIP, take such pairs out: captions that say nearly
the same thing, and a caption that suits the image at least as well as it suits its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class NegativesConfig:
    """Which pairs are no negatives."""

    same_cosine: float = 0.75
    """Captions at least this alike are not negatives of each other."""
    clip_margin: float | None = 0.05
    """Leave out pairs whose frozen-CLIP cosine comes this close to the caption's own; None: do not
    ask CLIP.
    """


def find_false_negatives(
    text_jd: Tensor,
    owner_j: Tensor,
    images: int,
    *,
    same_cosine: float,
    clip_scores_bj: Tensor | None = None,
    clip_margin: float = 0.0,
    named_bj: Tensor | None = None,
) -> Tensor:
    """Mark pairs (image, caption) that must not be pushed apart.

    Args:
        text_jd: (j, d) unit-length caption embeddings.
        owner_j: (j,) int64, the image of each caption.
        images: number of images b.
        same_cosine: captions at least this alike say the same thing.
        clip_scores_bj: (b, j) cosines of the frozen CLIP's image and text embeddings; None: not
            used.
        clip_margin: a pair is left out when its cosine comes within this of the caption's own pair.
        named_bj: bool (b, j), pairs known to be right: other images that say these words too.

    Returns:
        (b, j) bool, False at every positive pair.
    """
    captions = text_jd.shape[0]
    own_bj = owner_j.unsqueeze(0) == torch.arange(images, device=text_jd.device).unsqueeze(1)
    alike_jj = text_jd @ text_jd.T >= same_cosine
    # Image i is no negative of caption j when any of its own captions says the same as j.
    ignore_bj = (own_bj.float() @ alike_jj.float()) > 0
    if clip_scores_bj is not None:
        own_score_j = clip_scores_bj[owner_j, torch.arange(captions, device=text_jd.device)]
        ignore_bj = ignore_bj | (clip_scores_bj >= own_score_j.unsqueeze(0) - clip_margin)
    if named_bj is not None:
        ignore_bj = ignore_bj | named_bj
    return ignore_bj & ~own_bj


def weigh_hard_negatives(logits: Tensor, negative: Tensor, strength: float) -> Tensor:
    """Log-weights that raise the hardest negatives of each row (Robinson et al. 2021).

    A negative's weight is proportional to ``exp(strength * logit)``, scaled to a mean of one over
    the row's negatives, so the loss keeps its size; other entries get weight one.

    Args:
        logits: (rows, columns).
        negative: bool, the same shape.
        strength: 0 weighs all alike.

    Returns:
        Log-weights to add to the logits, no gradient.
    """
    if strength == 0:
        return torch.zeros_like(logits)
    detached = logits.detach()
    scaled = (strength * detached).masked_fill(~negative, float("-inf"))
    count = negative.sum(dim=1, keepdim=True).clamp_min(1)
    log_mean = torch.logsumexp(scaled, dim=1, keepdim=True) - count.log()
    return torch.where(negative, scaled - log_mean, torch.zeros_like(scaled))
