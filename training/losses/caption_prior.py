"""How common a caption is, estimated from the captions around it in the embedding space."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_caption_density(text_jd: Tensor, bank_md: Tensor, sharpness: float) -> Tensor:
    """Log of a kernel density estimate over a bank of captions, up to a constant.

    Args:
        text_jd: (j, d) unit-length caption embeddings.
        bank_md: (m, d) unit-length embeddings of other training captions.
        sharpness: the kernel is ``exp(sharpness * (cosine - 1))``.

    Returns:
        (j,) log densities, at most 0.
    """
    similarity_jm = text_jd @ bank_md.T
    log_sum_j = torch.logsumexp(sharpness * (similarity_jm - 1.0), dim=1)
    return log_sum_j - math.log(bank_md.shape[0])
