"""Object-level alignment: a soft mask read off S pools the pixels into one embedding an (image,
caption) pair.

The mask is ``sigmoid(a * S + b)`` with learned a and b, as in TCL's text-grounded masks; the pooled
embedding meets the caption in InfoNCE over the batch, both directions, the hardest captions
weighted up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.model.unit_length import normalize

MASKS = ("text", "whole")
# The mask at the start: its slope, and the similarity at which it is one half. Both are learned
# from there, so that no run has had to set them.
FIRST_SLOPE, FIRST_THRESHOLD = 12.0, 0.3


@dataclass(frozen=True, kw_only=True)
class ObjectConfig:
    """The object level and the priors on its masks."""

    object_weight: float = 1.0
    """Object-level InfoNCE."""
    hard_strength: float = 0.3
    """How much the hardest captions and images weigh more; 0: all alike."""
    area_weight: float = 1.0
    """Area prior on the foreground masks (training.losses.priors)."""
    smooth_weight: float = 0.1
    """Edge-aware total variation on the foreground masks."""
    object_mask: str = "text"
    """Which pixels meet a text: those under its ``text`` mask, or the ``whole`` image, which is no
    object level but CLIP's image level on the decoder: what ablations begin with.
    """


class ForegroundMask(nn.Module):
    """m = sigmoid(a S + b), both learned.

    Args:
        slope: initial a.
        threshold: similarity at which the mask is one half at the start: b = -a * threshold.
    """

    def __init__(self, slope: float = FIRST_SLOPE, threshold: float = FIRST_THRESHOLD) -> None:
        super().__init__()
        self.log_slope = nn.Parameter(torch.tensor(slope).log())
        self.bias = nn.Parameter(torch.tensor(-slope * threshold))

    def forward(self, similarity: Tensor) -> Tensor:
        """Similarities in [-1, 1], any shape -> mask in (0, 1), the same shape."""
        return torch.sigmoid(self.log_slope.exp() * similarity + self.bias)


def pool_masked(mask_bjn: Tensor, pixels_bnd: Tensor) -> Tensor:
    """o_ij: unit-length mean of image i's pixels under the mask of caption j: (b, j, d)."""
    return normalize(mask_bjn @ pixels_bnd, dim=-1)


def object_logits(
    mask_bjn: Tensor, pixels_bnd: Tensor, text_jd: Tensor, logit_scale: float
) -> Tensor:
    """How well each image's object under each text's mask suits that text: (b, j) logits.

    Args:
        mask_bjn: (b, j, n) in [0, 1].
        pixels_bnd: (b, n, d) unit length.
        text_jd: (j, d) unit length, of any images.
        logit_scale: inverse temperature.
    """
    objects_bjd = pool_masked(mask_bjn, pixels_bnd)
    return (objects_bjd * text_jd.unsqueeze(0)).sum(-1) * logit_scale
