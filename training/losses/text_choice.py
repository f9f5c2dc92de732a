"""The other direction of alignment: a region or a pixel meets all texts and has to choose its own.

Retrieval alone (a text meets all regions, all pixels) leaves the scores of two texts uncalibrated
against each other, and segmentation compares texts: trained so, the pixel level halved mIoU.
"""

from __future__ import annotations

import torch
from torch import Tensor


def choose_among(logits_jsk: Tensor, negative_jsk: Tensor, rows_j: Tensor) -> Tensor:
    """InfoNCE of each part over texts, where the parts are of some texts only.

    Args:
        logits_jsk: (j, s, k) of the parts of j texts with k texts.
        negative_jsk: bool, the same shape or one that spreads to it.
        rows_j: int64 (j,), which of the k texts each of the j is.

    Returns:
        Losses (j, s) in nats.
    """
    columns_js1 = rows_j.reshape(-1, 1, 1).expand(-1, logits_jsk.shape[1], 1)
    positive_js = logits_jsk.gather(2, columns_js1).squeeze(2)
    blocked_jsk = logits_jsk.masked_fill(~negative_jsk, float("-inf"))
    return torch.logaddexp(torch.logsumexp(blocked_jsk, dim=2), positive_js) - positive_js


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of values by weights of the same shape; None: the plain mean."""
    if weights is None:
        return values.mean()
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def find_rivals(guide_jn: Tensor, chosen_jp: Tensor, owner_j: Tensor) -> Tensor:
    """Which texts of the same image say less of a pixel than the text it was sampled for.

    Args:
        guide_jn: (j, n), how well each text suits the pixels of its own image.
        chosen_jp: int64 (j, p), pixels sampled for each text.
        owner_j: (j,) int64.

    Returns:
        bool (j, p, j).

    >>> guide = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    >>> find_rivals(guide, torch.tensor([[0], [0]]), torch.tensor([0, 0])).tolist()
    [[[False, True]], [[False, False]]]
    """
    guide_jpk = guide_jn.T[chosen_jp]
    own_jp1 = guide_jn.gather(1, chosen_jp).unsqueeze(2)
    same_j1k = (owner_j.unsqueeze(1) == owner_j.unsqueeze(0)).unsqueeze(1)
    return (guide_jpk < own_jp1) & same_j1k
