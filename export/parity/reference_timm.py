"""The plain eager reference of timm's towers: run as timm runs them, the last block excepted.

Nothing of training.model.timm is used: blocks, rotary embeddings and pooling head are timm's own
code. A patch of a tower that pools by attention is embedded by pooling that patch alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from timm.layers import apply_rot_embed_cat
from torch import Tensor, nn

Grid = tuple[int, int]


class TimmReading:
    """One of open_clip's ``TimmModel`` towers on one patch grid.

    Args:
        visual: the tower.
        grid_hw: the patch grid.
    """

    def __init__(self, visual: nn.Module, grid_hw: Grid) -> None:
        trunk: Any = visual.trunk
        self.visual, self.trunk = visual, trunk
        self.prefix = 0 if trunk.cls_token is None else 1
        self.rope: Tensor | None = None
        if getattr(trunk, "rope", None) is not None:
            trunk.rope.update_feat_shape(list(grid_hw))
            self.rope = trunk.rope.get_embed()

    def first_tokens(self, patches: Tensor, positions: Tensor) -> Tensor:
        """What the blocks begin with: (1, prefix + p, c) of patches (p, c) and (prefix + p, c)."""
        tokens = patches
        if self.prefix:
            tokens = torch.cat([self.trunk.cls_token[0], patches])
        return self.trunk.norm_pre((tokens + positions)[None])  # type: ignore[no-any-return]

    @property
    def blocks(self) -> list[PlainBlock]:
        """All of them, to be run or read."""
        return [PlainBlock(block, self.rope) for block in self.trunk.blocks]

    @property
    def pools_by_attention(self) -> bool:
        """Whether a head behind the blocks does, and not a class token."""
        return self.trunk.attn_pool is not None

    def embed(self, tokens: Tensor) -> Tensor:
        """(1, n, c) -> (1, n, d), each token as if it were the whole picture's."""
        x = self.trunk.norm(tokens)
        if self.pools_by_attention:
            x = self.trunk.attn_pool(x[0][:, None])[None]
        x = self.trunk.head(self.trunk.fc_norm(x))
        return self.visual.head(x)  # type: ignore[operator, no-any-return]


class PlainBlock:
    """A block of timm's by the names that export.parity.reference_dense reads."""

    def __init__(self, block: Any, rope: Tensor | None) -> None:
        self.block, self.rope, self.attn = block, rope, _Attention(block.attn)
        self.is_post = type(block).__name__ == "EvaBlockPostNorm"
        self.mlp = block.mlp
        self.ln_1 = _nothing if self.is_post else block.norm1
        self.ln_2 = _nothing if self.is_post else block.norm2
        self.ls_1 = block.norm1 if self.is_post else _scale(block, 1)
        self.ls_2 = block.norm2 if self.is_post else _scale(block, 2)

    def __call__(self, x: Tensor) -> Tensor:
        """The block as timm has it."""
        if self.rope is None:
            return self.block(x)  # type: ignore[no-any-return]
        return self.block(x, rope=self.rope)  # type: ignore[no-any-return]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value (n, c), the first two turned by their places."""
        own, normed = self.block.attn, self.ln_1(x)
        if getattr(own, "qkv", None) is None:
            parts = [getattr(own, f"{name}_proj")(normed) for name in "qkv"]
        else:
            parts = list(own.qkv(normed).chunk(3, dim=1))
            if getattr(own, "q_bias", None) is not None:
                parts[0], parts[2] = parts[0] + own.q_bias, parts[2] + own.v_bias
        query, key, value = parts
        return self._turn(query), self._turn(key), value

    def _turn(self, x: Tensor) -> Tensor:
        if self.rope is None:
            return x
        heads, places = self.block.attn.num_heads, len(self.rope)
        by_head = x[-places:].reshape(places, heads, -1).transpose(0, 1)
        half = bool(getattr(self.block.attn, "rotate_half", False))
        turned = apply_rot_embed_cat(by_head, self.rope, half=half)
        return torch.cat([x[:-places], turned.transpose(0, 1).reshape(places, -1)])


class _Attention:
    def __init__(self, attention: Any) -> None:
        self.num_heads = int(attention.num_heads)
        self.norm = getattr(attention, "norm", _nothing)
        self.proj = attention.proj

    def out_proj(self, mixed: Tensor) -> Tensor:
        """What timm does with the mixed values."""
        return self.proj(self.norm(mixed))  # type: ignore[no-any-return]


def _nothing(x: Tensor) -> Tensor:
    return x


def _scale(block: Any, place: int) -> Callable[[Tensor], Tensor]:
    gamma = getattr(block, f"gamma_{place}", None)
    if gamma is not None:
        return lambda x: x * gamma
    return getattr(block, f"ls{place}", _nothing)  # type: ignore[no-any-return]
