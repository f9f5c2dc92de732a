"""The mean caption, which every text embedding is measured from."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from training.model.mgca import MgcaModel


@torch.no_grad()
def measure_text_center(model: MgcaModel, captions: Iterable[Tensor]) -> Tensor:
    """Mean of L2-normalised caption embeddings: (d,).

    Args:
        model: its frozen text tower is used.
        captions: int64 (j, l) token ids, several batches; a few thousand captions are plenty.
    """
    total = torch.zeros_like(model.text_center)
    count = 0
    for tokens_jl in captions:
        embeddings = model.read_text(tokens_jl.to(total.device))
        total += embeddings.sum(0)
        count += embeddings.shape[0]
    return total / max(1, count)
