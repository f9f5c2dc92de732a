"""What a method of dense features is given of a tower, and what it must say beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

# Methods name the blocks that they read by their places in ViT-B.
_BLOCKS = 12


@dataclass(frozen=True)
class Trunk:
    """A tower run up to its last block.

    Attributes:
        block: the last block.
        late_bpc: (b, prefix + p, c) what it gets.
        hidden: outputs of earlier blocks (b, prefix + p, c), by the place in ViT-B that the method
            named.
        watched_bpp: (b, 1 + p, 1 + p) the attention of the block before it, the mean of its heads;
            None unless the method watches it.
        grid_hw: the patch grid.
        pooled_hw: the patch grid where the last block attends to averages; else None.
        prefix: tokens before the patches: the class token, or none in towers that have none.
    """

    block: nn.Module
    late_bpc: Tensor
    hidden: Mapping[int, Tensor]
    watched_bpp: Tensor | None
    grid_hw: tuple[int, int]
    pooled_hw: tuple[int, int] | None
    prefix: int = 1

    def patches_of(self, tokens_bnc: Tensor) -> Tensor:
        """(b, prefix + p, c) -> (b, p, c)."""
        return tokens_bnc[:, self.prefix :]


class DenseMethod(nn.Module):
    """One way to read the last block; ``forward`` makes patches (b, p, c) of a :class:`Trunk`.

    Attributes:
        reads: blocks whose outputs it wants, by their places in ViT-B, from 0.
        watches: whether it wants the attention of the block before the last.
        needs_class: whether it looks at the class token.
    """

    reads: tuple[int, ...] = ()
    watches: bool = False
    needs_class: bool = False

    def forward(self, trunk: Trunk) -> Tensor:
        """(b, p, c), the class token dropped; the last norm and projection come after it."""
        raise NotImplementedError


def place_in(depth: int, place: int) -> int:
    """Where a block of ViT-B's twelve has its like in a tower of another depth, never the last.

    >>> [place_in(24, place) for place in (3, 8, 10)], place_in(12, 8), place_in(2, 8)
    ([7, 17, 21], 8, 0)
    """
    return min(max(((place + 1) * depth + _BLOCKS // 2) // _BLOCKS - 1, 0), depth - 2)
