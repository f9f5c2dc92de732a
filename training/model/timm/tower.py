"""A timm tower under the names of open_clip's own ``VisionTransformer``, as far as it is read."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from training.model.timm.blocks import Block
from training.model.timm.heads import PoolingHead, TokenHead
from training.model.timm.rotation import Rotation

_TRUNKS = ("VisionTransformer", "Eva")
_BLOCKS = ("Block", "EvaBlock", "EvaBlockPostNorm")
_ATTENTIONS = ("Attention", "EvaAttention", "AttentionRope")

__all__ = ["TimmTower", "find_obstacle", "is_timm", "read_visual"]


class TimmTower(nn.Module):
    """The parts of a timm ViT that dense features are read from.

    Args:
        visual: open_clip's ``TimmModel``; :func:`find_obstacle` has nothing against it.

    Attributes:
        prefix: tokens before the patches: 1 for a class token, 0.
        class_embedding: (c,), None without a class token.
        positional_embedding: (prefix + p, c).
        pool_type: ``tok`` by the class token, ``map`` by attention.
        head: tokens to embeddings.
        rotation: of queries and keys, None without.
    """

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        trunk: Any = visual.trunk
        self.conv1 = trunk.patch_embed.proj
        self.prefix = 0 if trunk.cls_token is None else 1
        self.class_embedding = _row(trunk.cls_token[0]) if self.prefix else None
        self.positional_embedding = _row(trunk.pos_embed)
        self.ln_pre = trunk.norm_pre
        heads = int(trunk.blocks[0].attn.num_heads)
        rope = getattr(trunk, "rope", None)
        self.rotation = None if rope is None else Rotation(rope, heads)
        self.transformer = nn.Module()
        blocks = (Block(block, self.rotation) for block in trunk.blocks)
        self.transformer.resblocks = nn.ModuleList(blocks)
        self.pool_type = "map" if trunk.attn_pool is not None else "tok"
        head = PoolingHead if self.pool_type == "map" else TokenHead
        self.head = head(trunk, visual.head)  # type: ignore[arg-type]
        self.grid_size = tuple(trunk.patch_embed.grid_size)
        self.patch_size = tuple(trunk.patch_embed.patch_size)
        self.image_size = tuple(visual.image_size)  # type: ignore[arg-type]
        with torch.no_grad():
            self.output_dim = int(self.head(self.positional_embedding[None, :1]).shape[-1])

    @property
    def is_gated(self) -> bool:
        """Whether its MLPs have gates (SwiGLU), whose activation is neither GELU nor QuickGELU."""
        return any(hasattr(block.mlp, "fc1_g") for block in self.transformer.resblocks)  # type: ignore[union-attr]


def is_timm(visual: nn.Module) -> bool:
    """Whether an image tower is one of timm's in open_clip's adapter."""
    return hasattr(visual, "trunk")


def read_visual(visual: nn.Module) -> nn.Module:
    """A CLIP's image tower as dense features read it: itself, or a :class:`TimmTower`."""
    return TimmTower(visual) if is_timm(visual) else visual


def find_obstacle(visual: nn.Module) -> str | None:
    """Why the dense tokens of a timm tower cannot be read so that they meet the text; None: they
    can.
    """
    trunk: Any = visual.trunk
    kind = type(trunk).__name__
    if kind not in _TRUNKS:
        return f"its image tower is a {kind}, no plain ViT"
    projection = getattr(trunk.patch_embed, "proj", None)
    if not isinstance(projection, nn.Conv2d) or projection.kernel_size != projection.stride:
        return "its patches come out of a stem of convolutions"
    if trunk.pos_embed is None or getattr(trunk, "reg_token", None) is not None:
        return "its tower has register tokens or no position embedding"
    block = trunk.blocks[0]
    if type(block).__name__ not in _BLOCKS or type(block.attn).__name__ not in _ATTENTIONS:
        return f"its blocks are of the kind {type(block).__name__}"
    if not isinstance(block.attn.q_norm, nn.Identity) or block.attn.gate is not None:
        return "its attention has norms of queries or gates"
    if getattr(trunk, "rope_mixed", False):
        return "its rotary embeddings are learned"
    return _pooling_obstacle(trunk)


def _pooling_obstacle(trunk: Any) -> str | None:
    pool = trunk.attn_pool
    if pool is None:
        if trunk.cls_token is not None and trunk.global_pool == "token":
            return None
        return f"it pools by '{trunk.global_pool}', neither by a class token nor by attention"
    if pool.latent_len != 1 or pool.pos_embed is not None or pool.mlp is None:
        return "its pooling head has several queries, or positions of its own"
    return None


def _row(weight: torch.Tensor) -> nn.Parameter:
    """A weight (1, ...) without its first axis, frozen."""
    return nn.Parameter(weight.detach()[0], requires_grad=False)
