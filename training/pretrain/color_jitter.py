"""Color jitter: the same images in another light, for the pupil alone.

A generated world has its own cameras and hours, a street its own. Its teacher sees an image as it
is, and what it says of a patch is taught to a pupil that sees it darker, paler or tinted: what
depends on the light alone is not learned ("weak" and "strong" views: Sohn et al. 2020, FixMatch).
"""

from __future__ import annotations

import torch
from torch import Tensor

# How far each goes at a strength of 1: logarithms, but for the share of color taken or added.
_GAIN, _GAMMA, _CONTRAST, _TINT = 0.5, 0.4, 0.4, 0.1
_LESS_COLOR, _MORE_COLOR = 0.8, 0.3
# About which contrast turns: not an image's own mean, or tiles of a mosaic would differ.
_MIDDLE = 0.45


def jitter_colors(colors_b3hw: Tensor, strength: float, seed: int, together: int = 1) -> Tensor:
    """Images whose saturation, tint, gain, gamma and contrast are changed, drawn for each.

    Args:
        colors_b3hw: float (b, 3, h, w), RGB in [0, 1].
        strength: how far; 0: images come back as they are.
        seed: of the draws.
        together: so many images, one after the other, are changed alike: tiles of a mosaic.

    Returns:
        The same shape, in [0, 1]: saturation, tint, gain, gamma and contrast changed in this order.

    >>> jitter_colors(torch.full((1, 3, 1, 1), 0.5), 0.0, 1).flatten().tolist()
    [0.5, 0.5, 0.5]
    """
    count = -(-colors_b3hw.shape[0] // together)
    generator = torch.Generator().manual_seed(seed)
    # In [-1, 1]: gain, gamma, contrast, saturation, and a tint for each channel.
    draws = torch.rand(count, 7, generator=generator) * 2 - 1
    draws = (draws * strength).repeat_interleave(together, dim=0)[: colors_b3hw.shape[0]]
    draws_b7111 = draws.to(colors_b3hw)[:, :, None, None, None]
    gain, gamma, contrast, saturation = draws_b7111[:, :4].unbind(1)
    tint = draws_b7111[:, 4:, 0]
    grey = colors_b3hw.mean(dim=1, keepdim=True)
    keep = 1 + torch.where(saturation > 0, _MORE_COLOR, _LESS_COLOR) * saturation
    colors = grey + keep.clamp_min(0) * (colors_b3hw - grey)
    colors = colors * (_TINT * tint).exp() * (_GAIN * gain).exp()
    colors = colors.clamp(0, 1) ** (_GAMMA * gamma).exp()
    return (_MIDDLE + (_CONTRAST * contrast).exp() * (colors - _MIDDLE)).clamp(0, 1)
