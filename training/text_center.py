"""The mean caption, which every text embedding is measured from."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from training.data.batches import Batch
from training.model.clip import encode_text
from training.model.mgca import MgcaModel, normalize


@torch.no_grad()
def measure_text_center(model: MgcaModel, batches: Iterator[Batch]) -> Tensor:
    """Mean of L2-normalised caption embeddings: (d,).

    Args:
        model: its frozen text tower is used.
        batches: a few thousand captions are plenty.
    """
    total = torch.zeros_like(model.text_center)
    count = 0
    for batch in batches:
        embeddings = normalize(encode_text(model.clip, batch.tokens_jl.to(total.device)), dim=-1)
        total += embeddings.sum(0)
        count += embeddings.shape[0]
    return total / max(1, count)
