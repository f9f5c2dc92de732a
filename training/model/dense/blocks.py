"""A ViT's blocks, written out.

Without ``nn.MultiheadAttention`` there are fewer nodes in the exported graph, and one reading for
training and export.

The first blocks may attend to keys and values of 2 x 2 patches averaged (spatial reduction, as
PVT v2 has it; Wang et al. 2022), each counted as often as it has patches: every patch still asks
for itself, and its attention costs a quarter.

Shape legend: b images, p patches (hp x wp), c encoder width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.dense.features import to_map
from training.model.timm import TimmTower


def embed_patches(visual: nn.Module, images_b3hw: Tensor, position_pc: Tensor) -> Tensor:
    """What a ViT's blocks begin with.

    Args:
        visual: open_clip's image tower, or a :class:`training.model.timm.TimmTower`.
        images_b3hw: (b, 3, h, w), normalised.
        position_pc: (1 + p, c), made for the patch grid of h x w; (p, c) without a class token.

    Returns:
        Tokens (b, 1 + p, c), the class token first; (b, p, c) without one.
    """
    patches_bpc = visual.conv1(images_b3hw).flatten(2).transpose(1, 2)
    if visual.class_embedding is None:
        return visual.ln_pre(patches_bpc + position_pc)
    cls_1c = visual.class_embedding + position_pc[0]
    x_bpc = torch.cat(
        [cls_1c.expand(patches_bpc.shape[0], 1, -1), patches_bpc + position_pc[1:]], dim=1
    )
    return visual.ln_pre(x_bpc)


def embed_tokens(visual: nn.Module, tokens_bnc: Tensor) -> Tensor:
    """What a tower does behind its last block, token by token: (b, n, c) -> (b, n, d)."""
    if isinstance(visual, TimmTower):
        return visual.head(tokens_bnc)
    return visual.ln_post(tokens_bnc) @ visual.proj


def split_heads(x_bpc: Tensor, heads: int) -> Tensor:
    """(b, p, c) -> (b, heads, p, c / heads)."""
    b, p, c = x_bpc.shape
    return x_bpc.reshape(b, p, heads, c // heads).transpose(1, 2)


def merge_heads(x_bhpc: Tensor) -> Tensor:
    """(b, heads, p, c / heads) -> (b, p, c)."""
    b, heads, p, c = x_bhpc.shape
    return x_bhpc.transpose(1, 2).reshape(b, p, heads * c)


def project(attention: nn.Module, normed_bpc: Tensor, parts: str) -> tuple[Tensor, ...]:
    """Some of a block's queries, keys and values, in one product; queries and keys turned where
    the tower has rotary position embeddings.

    Args:
        attention: the block's attention.
        normed_bpc: (b, p, c), what its norm gave.
        parts: neighbors among ``qkv``: ``qkv``, ``qk``, ``kv``, ``v``.

    Returns:
        For each letter (b, p, c).
    """
    width, first = normed_bpc.shape[-1], "qkv".index(parts)
    rows = slice(first * width, (first + len(parts)) * width)
    weight, bias = attention.in_proj_weight[rows], attention.in_proj_bias[rows]
    projected = F.linear(normed_bpc, weight, bias).chunk(len(parts), dim=-1)
    rotation = getattr(attention, "rotation", None)
    if rotation is None:
        return projected
    return tuple(
        x_bpc if part == "v" else rotation(x_bpc)
        for part, x_bpc in zip(parts, projected, strict=True)
    )


def attend(
    query_bpc: Tensor, key_bpc: Tensor, value_bpc: Tensor, heads: int, bias_pp: Tensor | None = None
) -> Tensor:
    """Attention of several heads, ``bias_pp`` added before the softmax: (b, p, c)."""
    q, k, v = (split_heads(part, heads) for part in (query_bpc, key_bpc, value_bpc))
    return merge_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=bias_pp))


def attend_and_transform(
    block: nn.Module, x_bpc: Tensor, pooled_hw: tuple[int, int] | None = None
) -> Tensor:
    """One pre-norm transformer block.

    With the patch grid as ``pooled_hw``, keys and values are of averages of its 2 x 2 patches.
    """
    attention = block.attn
    normed_bpc = block.ln_1(x_bpc)
    if pooled_hw is None:
        q, k, v = project(attention, normed_bpc, "qkv")
        mixed_bpc = attend(q, k, v, attention.num_heads)
    else:
        mixed_bpc = _attend_to_averages(attention, normed_bpc, pooled_hw)
    return _transform(block, x_bpc, mixed_bpc)


def attend_and_watch(block: nn.Module, x_bpc: Tensor) -> tuple[Tensor, Tensor]:
    """One block, and its attention: (b, 1 + p, c) and the mean of its heads (b, 1 + p, 1 + p)."""
    attention = block.attn
    heads = attention.num_heads
    q, k, v = (split_heads(part, heads) for part in project(attention, block.ln_1(x_bpc), "qkv"))
    weight_bhpp = F.softmax(q @ k.transpose(2, 3) * q.shape[-1] ** -0.5, dim=-1)
    return _transform(block, x_bpc, merge_heads(weight_bhpp @ v)), weight_bhpp.mean(dim=1)


def _transform(block: nn.Module, x_bpc: Tensor, mixed_bpc: Tensor) -> Tensor:
    """What a block does with what its attention mixed: residuals and MLP."""
    x_bpc = x_bpc + block.ls_1(block.attn.out_proj(mixed_bpc))
    return x_bpc + block.ls_2(block.mlp(block.ln_2(x_bpc)))


def _attend_to_averages(
    attention: nn.Module, normed_bpc: Tensor, grid_hw: tuple[int, int]
) -> Tensor:
    """(b, 1 + p, c) -> (b, 1 + p, c); keys and values of averaged patches.

    An average is projected, not the projections averaged: that is the same, and a quarter of it.
    """
    (q,) = project(attention, normed_bpc, "q")
    k, v = project(attention, average_patches(normed_bpc, grid_hw), "kv")
    # An average of n patches draws n times the attention, as they would have.
    counts = average_counts(grid_hw).to(normed_bpc).log()
    return attend(q, k, v, attention.num_heads, counts[None, None, None])


def average_patches(tokens_bpc: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """(b, 1 + hp * wp, c) -> (b, 1 + ceil(hp / 2) * ceil(wp / 2), c), the class token as it is.

    A cell of 2 x 2 patches that an odd grid cuts off is the average of what there is of it.
    """
    patches_bchw = to_map(tokens_bpc[:, 1:], grid_hw)
    height, width = grid_hw
    if height % 2:
        patches_bchw = torch.cat([patches_bchw, patches_bchw[:, :, -1:]], dim=2)
    if width % 2:
        patches_bchw = torch.cat([patches_bchw, patches_bchw[:, :, :, -1:]], dim=3)
    cells_bpc = F.avg_pool2d(patches_bchw, 2).flatten(2).transpose(1, 2)
    return torch.cat([tokens_bpc[:, :1], cells_bpc], dim=1)


def average_counts(grid_hw: tuple[int, int]) -> Tensor:
    """How many patches each token of :func:`average_patches` stands for: (1 + p',), float.

    >>> average_counts((2, 3))
    tensor([1., 4., 2.])
    """
    rows, columns = (torch.tensor([2.0] * (side // 2) + [1.0] * (side % 2)) for side in grid_hw)
    return torch.cat([torch.ones(1), (rows[:, None] * columns).flatten()])
