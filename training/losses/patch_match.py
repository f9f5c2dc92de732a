"""How well captions suit images, read patch by patch.

After Mukhoti et al. 2023 (PACL): every patch meets the caption, and those that suit it weigh more.

Shape legend: b images, j captions, p patches, d embedding width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def match_patches(patches_bpd: Tensor, text_jd: Tensor, sharpness: float = 8.0) -> Tensor:
    """How well each caption suits each image, by the patches that suit it most.

    Args:
        patches_bpd: (b, p, d) patch embeddings, any length.
        text_jd: (j, d) unit-length caption embeddings.
        sharpness: inverse temperature of the patches' weights.

    Returns:
        (b, j) weighted mean cosines in [-1, 1].
    """
    similarity_bjp = text_jd @ F.normalize(patches_bpd, dim=-1).transpose(1, 2)
    weights_bjp = torch.softmax(similarity_bjp * sharpness, dim=-1)
    return (weights_bjp * similarity_bjp).sum(-1)
