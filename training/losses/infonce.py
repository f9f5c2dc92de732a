"""InfoNCE over a batch in which an image may own several captions."""

from __future__ import annotations

import torch
from torch import Tensor

from training.losses.negatives import weigh_hard_negatives


def contrast_pairs(
    logits_bj: Tensor,
    owner_j: Tensor,
    ignore_bj: Tensor,
    hard_strength: float = 0.0,
) -> Tensor:
    """Both directions of InfoNCE, averaged.

    Caption to image: of all images, find the caption's own. Image to caption: of all captions, find
    each of the image's own, the image's other captions left out (they are right too).

    Args:
        logits_bj: (b, j) similarities times the logit scale.
        owner_j: (j,) int64 image of each caption.
        ignore_bj: (b, j) bool, pairs left out of the denominators.
        hard_strength: see :func:`weigh_hard_negatives`.

    Returns:
        Scalar loss in nats, 0 at best.
    """
    images, captions = logits_bj.shape
    columns = torch.arange(captions, device=logits_bj.device)
    own_bj = owner_j.unsqueeze(0) == torch.arange(images, device=logits_bj.device).unsqueeze(1)
    negative_bj = ~own_bj & ~ignore_bj

    positive_j = logits_bj[owner_j, columns]
    to_image = _nce_rows(logits_bj.T, negative_bj.T, positive_j, hard_strength)
    # Each caption is one row: its image's logits against all captions that are negatives of that
    # image.
    to_caption = _nce_rows(logits_bj[owner_j], negative_bj[owner_j], positive_j, hard_strength)
    return 0.5 * (to_image.mean() + to_caption.mean())


def _nce_rows(logits: Tensor, negative: Tensor, positive: Tensor, hard_strength: float) -> Tensor:
    """-log of the positive's share beside the weighted negatives of its row: (rows,)."""
    weighted = logits + weigh_hard_negatives(logits, negative, hard_strength)
    weighted = weighted.masked_fill(~negative, float("-inf"))
    return torch.logaddexp(torch.logsumexp(weighted, dim=1), positive) - positive
