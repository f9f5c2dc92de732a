"""Position embeddings at another patch grid than the weights': three ways, all bicubic.

- ``size``: stretched from one grid's size to the other's (a = -0.75, no antialiasing), as TCL and
  MaskCLIP do, and this project's own checkpoints.
- ``scale-factor``: the same kernel at the scale (grid + 0.1) / own grid, as DINO wrote it and the
  line of methods after SCLIP (ClearCLIP, NACLIP, SC-CLIP, SFP) took it over. Every embedding is
  read a little before the place that ``size`` has for it.
- ``antialias``: PIL's kernel (a = -0.5), which also averages where a grid becomes smaller, as
  open_clip does.

No way is more right than another: no weights were trained at the larger grid. But labels of the
first two differ on about 1 % of pixels at 448 x 336, so a published figure needs its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POSITION_RESIZES = ("size", "scale-factor", "antialias")


def resize_position_embedding(
    embedding_pc: Tensor,
    grid_from_hw: tuple[int, int],
    grid_hw: tuple[int, int],
    resize: str = "size",
    prefix: int = 1,
) -> Tensor:
    """Interpolate patch position embeddings to another grid.

    Args:
        embedding_pc: (prefix + p, c), the class token's row first.
        grid_from_hw: patch grid of the weights.
        grid_hw: patch grid wanted.
        resize: one of :data:`POSITION_RESIZES`.
        prefix: 1; 0 where there is no class token.

    Returns:
        (prefix + p', c); the embedding itself where the grids are equal.
    """
    if grid_from_hw == grid_hw:
        return embedding_pc
    cls_1c, patches_pc = embedding_pc[:prefix], embedding_pc[prefix:]
    width = patches_pc.shape[1]
    patches_1chw = patches_pc.reshape(1, *grid_from_hw, width).permute(0, 3, 1, 2)
    if resize == "scale-factor":
        # The tenth keeps rounding from losing a row; PyTorch samples at the scale it is given.
        scale_hw = tuple((to + 0.1) / of for to, of in zip(grid_hw, grid_from_hw, strict=True))
        resized = F.interpolate(
            patches_1chw, scale_factor=scale_hw, mode="bicubic", align_corners=False
        )
    else:
        resized = F.interpolate(
            patches_1chw,
            size=grid_hw,
            mode="bicubic",
            align_corners=False,
            antialias=resize == "antialias",
        )
    return torch.cat([cls_1c, resized.permute(0, 2, 3, 1).reshape(-1, width)])


def position_embedding(visual: nn.Module, grid_hw: tuple[int, int], resize: str = "size") -> Tensor:
    """(prefix + p, c), a tower's position embedding for a patch grid."""
    own_hw, prefix = tuple(visual.grid_size), getattr(visual, "prefix", 1)
    return resize_position_embedding(visual.positional_embedding, own_hw, grid_hw, resize, prefix)
