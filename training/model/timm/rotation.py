"""Rotary position embeddings (Su et al. 2021) of patches on a grid, as EVA-02 has them.

Shape legend: b images, n tokens (the class token first, or none), p patches, c encoder width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rotation(nn.Module):
    """Turns queries and keys by their places on the patch grid; one for all blocks of a tower.

    timm turns neighboring channels together. Here channel i of a head's first half turns with
    channel i of the second: queries and keys come in that order (:func:`halves_first`), their
    products are the same, and the graph needs no strided reads.

    Args:
        rope: timm's own, which knows frequencies and how the grid is measured.
        heads: of the attention.
    """

    def __init__(self, rope: nn.Module, heads: int) -> None:
        super().__init__()
        # Not a part of this module: what it keeps is of no use in a graph.
        self._ropes = (rope,)
        self.heads = heads
        self.grid_hw: tuple[int, int] | None = None
        self.cos_pd: Tensor | None = None
        self.sin_pd: Tensor | None = None

    @property
    def halved(self) -> bool:
        """Whether channels come in this order already."""
        return bool(self._ropes[0].rotate_half)

    def set_grid(self, grid_hw: tuple[int, int]) -> None:
        """Have the angles of a patch grid at hand."""
        if grid_hw == self.grid_hw:
            return
        rope = self._ropes[0]
        rope.update_feat_shape(list(grid_hw))  # type: ignore[operator]
        sin_pd, cos_pd = rope.get_embed().chunk(2, dim=-1)  # type: ignore[operator]
        if not self.halved:
            sin_pd, cos_pd = (torch.cat([x[:, ::2], x[:, 1::2]], dim=1) for x in (sin_pd, cos_pd))
        self.grid_hw = grid_hw
        self.sin_pd, self.cos_pd = sin_pd.detach().clone(), cos_pd.detach().clone()

    def forward(self, x_bnc: Tensor) -> Tensor:
        """Queries or keys (b, n, c) turned; a class token, before the patches, is not."""
        assert self.cos_pd is not None and self.sin_pd is not None
        patches, head_width = self.cos_pd.shape
        batch, count, width = x_bnc.shape
        x_bnhd = x_bnc.reshape(batch, count, self.heads, head_width)
        first, second = x_bnhd.chunk(2, dim=-1)
        turned_bnhd = torch.cat([-second, first], dim=-1)
        cos_nd, sin_nd = self.cos_pd, self.sin_pd
        if count > patches:
            still = torch.zeros(count - patches, head_width).to(cos_nd)
            cos_nd, sin_nd = torch.cat([still + 1, cos_nd]), torch.cat([still, sin_nd])
        return (x_bnhd * cos_nd[:, None] + turned_bnhd * sin_nd[:, None]).reshape(
            batch, count, width
        )


def halves_first(rows: Tensor, heads: int) -> Tensor:
    """A projection's rows (c, ...), of each head those of even channels before the odd ones.

    >>> halves_first(torch.arange(8), 2).tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    by_head = rows.reshape(heads, rows.shape[0] // heads, *rows.shape[1:])
    return torch.cat([by_head[:, ::2], by_head[:, 1::2]], dim=1).reshape(rows.shape)
