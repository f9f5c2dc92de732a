"""CLIP's dense features: one embedding a patch, in the space where the text embeddings live.

A CLIP is trained on one embedding an image; what its patches say has to be freed from the last
block's pooling attention. Which way is right depends on how the tower pools:

- ``maskclip``  (Zhou et al. 2022): the last block's value path, then its residual and MLP.
- ``clearclip`` (Lan et al. 2024): the last block's query-query attention, no residual, no MLP.
- ``tokens``: the last block as it is. For towers that pool by *averaging* their patches (ours),
  every patch was trained to carry its share of the image embedding, and there is no pooling
  attention to take away.

The blocks are written out (no ``nn.MultiheadAttention``): fewer nodes in the exported graph, and
one reading for training and export.

The first blocks may attend to keys and values of 2 x 2 patches averaged (spatial reduction, as
PVT v2 has it; Wang et al. 2022), each counted as often as it has patches: every patch still asks
for itself, and its attention costs a quarter.

Shape legend: b images, p patches (hp x wp), c encoder width, d embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

DENSE_MODES = ("tokens", "maskclip", "clearclip")


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


def resize_position_embedding(
    embedding_pc: Tensor, grid_from_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> Tensor:
    """Interpolate patch position embeddings to another grid (bicubic, as open_clip does).

    Args:
        embedding_pc: (1 + p, c), the class token's row first.
        grid_from_hw: patch grid of the weights.
        grid_hw: patch grid wanted.

    Returns:
        (1 + p', c).
    """
    if grid_from_hw == grid_hw:
        return embedding_pc
    cls_1c, patches_pc = embedding_pc[:1], embedding_pc[1:]
    width = patches_pc.shape[1]
    patches_1chw = patches_pc.reshape(1, *grid_from_hw, width).permute(0, 3, 1, 2)
    resized = F.interpolate(patches_1chw, size=grid_hw, mode="bicubic", align_corners=False)
    return torch.cat([cls_1c, resized.permute(0, 2, 3, 1).reshape(-1, width)])


def position_embedding(visual: nn.Module, grid_hw: tuple[int, int]) -> Tensor:
    """(1 + p, c), a tower's position embedding for a patch grid."""
    return resize_position_embedding(visual.positional_embedding, tuple(visual.grid_size), grid_hw)


def embed_patches(visual: nn.Module, images_b3hw: Tensor, position_pc: Tensor) -> Tensor:
    """What a ViT's blocks begin with.

    Args:
        visual: open_clip's image tower.
        images_b3hw: (b, 3, h, w), normalised.
        position_pc: (1 + p, c), made for the patch grid of h x w.

    Returns:
        Tokens (b, 1 + p, c), the class token first.
    """
    patches_bpc = visual.conv1(images_b3hw).flatten(2).transpose(1, 2)
    cls_1c = visual.class_embedding + position_pc[0]
    x_bpc = torch.cat(
        [cls_1c.expand(patches_bpc.shape[0], 1, -1), patches_bpc + position_pc[1:]], dim=1
    )
    return visual.ln_pre(x_bpc)


def split_heads(x_bpc: Tensor, heads: int) -> Tensor:
    """(b, p, c) -> (b, heads, p, c / heads)."""
    b, p, c = x_bpc.shape
    return x_bpc.reshape(b, p, heads, c // heads).transpose(1, 2)


def merge_heads(x_bhpc: Tensor) -> Tensor:
    """(b, heads, p, c / heads) -> (b, p, c)."""
    b, heads, p, c = x_bhpc.shape
    return x_bhpc.transpose(1, 2).reshape(b, p, heads * c)


class DenseEncoder(nn.Module):
    """The image tower of a frozen CLIP, read patch by patch.

    Args:
        clip: an open_clip model with a plain ViT tower.
        mode: one of :data:`DENSE_MODES`; None picks ``tokens`` for towers that pool by averaging,
            else ``clearclip``.
        early_block: index of the block whose output is handed on as ``early``.
        pooled_blocks: so many of the first blocks attend to averages of 2 x 2 patches; the last
            block does only where it is read as it is (``tokens``).
    """

    def __init__(
        self,
        clip: CLIP,
        mode: str | None = None,
        early_block: int = 1,
        pooled_blocks: int = 0,
    ) -> None:
        super().__init__()
        visual = clip.visual
        if mode is None:
            mode = "tokens" if visual.pool_type == "avg" else "clearclip"
        if mode not in DENSE_MODES:
            raise ValueError(
                f"dense mode '{mode}' is unknown; expected one of {', '.join(DENSE_MODES)}"
            )
        self.visual = visual
        self.mode = mode
        self.early_block = early_block
        self.pooled_blocks = pooled_blocks
        self.patch_size = int(visual.patch_size[0])
        self.width = int(visual.conv1.out_channels)
        self.embedding_width = int(visual.output_dim)
        # Filled by fix_size for export: the interpolated embedding becomes a constant of the graph.
        self.fixed_position_pc: Tensor | None = None

    def fix_size(self, size_wh: tuple[int, int]) -> None:
        """Precompute the position embedding for one input size (pixels), as export wants it."""
        grid_hw = (size_wh[1] // self.patch_size, size_wh[0] // self.patch_size)
        self.fixed_position_pc = position_embedding(self.visual, grid_hw).detach().clone()

    def forward(self, images_b3hw: Tensor) -> DenseFeatures:
        """Encode normalised images.

        Args:
            images_b3hw: float (b, 3, h, w), RGB, normalised with CLIP's mean and std; h and w
                multiples of the patch size.

        Returns:
            Dense features on the patch grid.

        Raises:
            ValueError: a size that the patch does not divide.
        """
        height, width = images_b3hw.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"input of {width}x{height} pixels is not a multiple of the patch size "
                f"{self.patch_size}; "
                "choose another --size"
            )
        grid_hw = (height // self.patch_size, width // self.patch_size)
        x_bpc = self._embed(images_b3hw, grid_hw)
        blocks, pooled = self.visual.transformer.resblocks, self.pooled_blocks
        early_bpc = x_bpc
        for index, block in enumerate(blocks[:-1]):
            x_bpc = _attend_and_transform(block, x_bpc, grid_hw if index < pooled else None)
            if index == self.early_block:
                early_bpc = x_bpc
        late_bpc = x_bpc
        dense_bpc = self._last_block(blocks[-1], x_bpc, grid_hw if pooled >= len(blocks) else None)
        embeddings_bpd = self.visual.ln_post(dense_bpc) @ self.visual.proj
        return DenseFeatures(
            embeddings_bdhw=_to_map(embeddings_bpd, grid_hw),
            early_bchw=_to_map(early_bpc, grid_hw),
            late_bchw=_to_map(late_bpc, grid_hw),
        )

    def _embed(self, images_b3hw: Tensor, grid_hw: tuple[int, int]) -> Tensor:
        position_pc = self.fixed_position_pc
        if position_pc is None:
            position_pc = position_embedding(self.visual, grid_hw)
        return embed_patches(self.visual, images_b3hw, position_pc)

    def _last_block(
        self, block: nn.Module, x_bpc: Tensor, pooled_hw: tuple[int, int] | None
    ) -> Tensor:
        if self.mode == "tokens":
            return _attend_and_transform(block, x_bpc, pooled_hw)
        attention = block.attn
        normed_bpc = block.ln_1(x_bpc)
        q, _, v = F.linear(normed_bpc, attention.in_proj_weight, attention.in_proj_bias).chunk(
            3, dim=-1
        )
        if self.mode == "maskclip":
            x_bpc = x_bpc + block.ls_1(attention.out_proj(v))
            return x_bpc + block.ls_2(block.mlp(block.ln_2(x_bpc)))
        heads = attention.num_heads
        q_bhpc = split_heads(q, heads)
        mixed = F.scaled_dot_product_attention(q_bhpc, q_bhpc, split_heads(v, heads))
        return block.ls_1(attention.out_proj(merge_heads(mixed)))


def _attend_and_transform(
    block: nn.Module, x_bpc: Tensor, pooled_hw: tuple[int, int] | None
) -> Tensor:
    """One pre-norm transformer block, attention written out.

    With the patch grid as ``pooled_hw``, keys and values are of averages of its 2 x 2 patches.
    """
    attention = block.attn
    normed_bpc = block.ln_1(x_bpc)
    if pooled_hw is None:
        qkv = F.linear(normed_bpc, attention.in_proj_weight, attention.in_proj_bias)
        q, k, v = (split_heads(part, attention.num_heads) for part in qkv.chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v)
    else:
        mixed = _attend_to_averages(attention, normed_bpc, pooled_hw)
    x_bpc = x_bpc + block.ls_1(attention.out_proj(merge_heads(mixed)))
    return x_bpc + block.ls_2(block.mlp(block.ln_2(x_bpc)))


def _attend_to_averages(
    attention: nn.Module, normed_bpc: Tensor, grid_hw: tuple[int, int]
) -> Tensor:
    """(b, 1 + p, c) -> (b, heads, 1 + p, c / heads); keys and values of averaged patches.

    An average is projected, not the projections averaged: that is the same, and a quarter of it.
    """
    width = normed_bpc.shape[-1]
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    q = F.linear(normed_bpc, weight[:width], bias[:width])
    averages_bpc = average_patches(normed_bpc, grid_hw)
    k, v = F.linear(averages_bpc, weight[width:], bias[width:]).chunk(2, dim=-1)
    # An average of n patches draws n times the attention, as they would have.
    counts = average_counts(grid_hw).to(normed_bpc).log()
    q, k, v = (split_heads(part, attention.num_heads) for part in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=counts[None, None, None])


def average_patches(tokens_bpc: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """(b, 1 + hp * wp, c) -> (b, 1 + ceil(hp / 2) * ceil(wp / 2), c), the class token as it is.

    A cell of 2 x 2 patches that an odd grid cuts off is the average of what there is of it.
    """
    patches_bchw = _to_map(tokens_bpc, grid_hw)
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


def _to_map(tokens_bpc: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """(b, 1 + p, c) tokens -> (b, c, hp, wp), without the class token."""
    b, _, c = tokens_bpc.shape
    return tokens_bpc[:, 1:].transpose(1, 2).reshape(b, c, *grid_hw)
