"""What a decoder sees of an image.

Shape legend: b images, p patches (hp x wp), c encoder width, d embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class DenseFeatures:
    """What the decoder sees of an image.

    Attributes:
        embeddings_bdhw: (b, d, hp, wp), CLIP-space patch embeddings, not normalised.
        early_bchw: (b, c, hp, wp), tokens after the early tap; they still know edges and colors.
        late_bchw: (b, c, hp, wp), tokens before the last block; they know objects.
        fine_bchw: (b, c', 4 hp, 4 wp), what a trunk of convolutions knew at 4 pixels; its early
            view is at twice the patch grid (training.model.towers). None of a ViT.
    """

    embeddings_bdhw: Tensor
    early_bchw: Tensor
    late_bchw: Tensor
    fine_bchw: Tensor | None = None


def to_map(patches_bpc: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """(b, p, c) patches, the class token not among them -> (b, c, hp, wp)."""
    b, _, c = patches_bpc.shape
    return patches_bpc.transpose(1, 2).reshape(b, c, *grid_hw)
