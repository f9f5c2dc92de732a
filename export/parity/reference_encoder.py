"""The plain eager reference, first half: a frame in, pixel embeddings out.

Written for clearness and on its own: it runs open_clip's blocks as open_clip wrote them (with
``nn.MultiheadAttention``), loops over attention heads where a last block is read another way, and
spells the decoder out with tensor functions. Nothing here is traced; nothing traced is used here.
Only the weights are shared, read by name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def normalise_frame(frame_hw3: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (h, w, 3) RGB -> float (3, h, w), zero mean and unit variance by CLIP's figures."""
    channels = [
        (frame_hw3[:, :, channel].float() / 255.0 - mean[channel]) / std[channel]
        for channel in range(3)
    ]
    return torch.stack(channels)


def encode_patches(
    visual: nn.Module, image_3hw: Tensor, mode: str, early_block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Run CLIP's image tower and read its last block patch by patch.

    Args:
        visual: open_clip's vision transformer.
        image_3hw: a normalised image.
        mode: ``tokens``, ``maskclip`` or ``clearclip``.
        early_block: the block whose output is the early view.

    Returns:
        Embeddings (D, hp, wp), early tokens (C, hp, wp), late tokens (C, hp, wp).
    """
    patches = _first_tokens(visual.conv1, image_3hw)  # (C, hp, wp)
    grid_hw = (patches.shape[1], patches.shape[2])
    class_position, patch_positions = _positions(visual, grid_hw)
    tokens = patches.flatten(1).t() + patch_positions
    x = torch.cat([(visual.class_embedding + class_position).unsqueeze(0), tokens])
    x = visual.ln_pre(x.unsqueeze(0))
    blocks = list(visual.transformer.resblocks)
    early = x
    for index, block in enumerate(blocks[:-1]):
        x = block(x)
        if index == early_block:
            early = x
    last = _read_last_block(blocks[-1], x, mode)
    embeddings = visual.ln_post(last) @ visual.proj
    return _as_map(embeddings, grid_hw), _as_map(early, grid_hw), _as_map(x, grid_hw)


def decode_pixels(
    weights: dict[str, Tensor], patches: Tensor, early: Tensor, late: Tensor, image: Tensor
) -> Tensor:
    """Run the decoder from its weights: (D, hp, wp) -> (D, 4 hp, 4 wp), not normalised."""
    stream = _pointwise(weights, "read_late", _channel_norm(weights, "late_norm", late))
    stream = stream + _pointwise(weights, "read_early", _channel_norm(weights, "early_norm", early))
    depth = 0
    while f"coarse.{depth}.depthwise.weight" in weights:
        stream = _conv_block(weights, f"coarse.{depth}", stream)
        depth += 1
    halves = shrink_image(image, (patches.shape[1] * 8, patches.shape[2] * 8))
    quarters = shrink_image(halves, (patches.shape[1] * 4, patches.shape[2] * 4))
    views = [_space_to_depth(quarters), _space_to_depth(halves)]
    x = patches
    for block, view in zip(("stage1", "stage2"), views, strict=True):
        stream = _depth_to_space(_pointwise(weights, f"{block}.spread", stream))
        stream = stream + _convolve(weights, f"{block}.look", view, padding=1)
        stream = _conv_block(weights, f"{block}.mix", stream)
        residual = _pointwise(weights, f"{block}.speak", stream)
        x = _double(x) + weights[f"{block}.gate"] * residual
    return x


def unit_length(x: Tensor, dim: int) -> Tensor:
    """Divide by the Euclidean length along ``dim``."""
    return x / x.pow(2).sum(dim=dim, keepdim=True).sqrt().clamp(min=1e-6)


def enlarge_patches(patches_dhw: Tensor, times: int) -> Tensor:
    """Bilinear enlargement with half-pixel centres, what an absent decoder leaves."""
    size = (patches_dhw.shape[1] * times, patches_dhw.shape[2] * times)
    return F.interpolate(patches_dhw[None], size=size, mode="bilinear", align_corners=False)[0]


def shrink_image(image_3hw: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Average the image over each cell of a coarser grid; bilinear where cells are uneven."""
    channels, height, width = image_3hw.shape
    rows, columns = size_hw
    if height % rows == 0 and width % columns == 0:
        cells = image_3hw.reshape(channels, rows, height // rows, columns, width // columns)
        return cells.mean(dim=(2, 4))
    return F.interpolate(image_3hw[None], size=size_hw, mode="bilinear", align_corners=False)[0]


def _first_tokens(conv1: nn.Module, image: Tensor) -> Tensor:
    """Pixels to patches: open_clip's projection, or the convolutional stem of our own CLIPs."""
    weights = conv1.state_dict()
    if isinstance(conv1, nn.Conv2d):
        return F.conv2d(image[None], conv1.weight, conv1.bias, stride=conv1.stride)[0]
    x = image
    for level in ("1", "2", "3"):
        x = F.conv2d(x[None], weights[f"halve{level}.0.weight"], stride=2, padding=1)[0]
        x = _batch_norm(weights, f"halve{level}.1", x).relu()
        block = 0
        while f"blocks{level}.{block}.conv1.weight" in weights:
            name = f"blocks{level}.{block}"
            inner = F.conv2d(x[None], weights[f"{name}.conv1.weight"], padding=1)[0]
            inner = _batch_norm(weights, f"{name}.norm1", inner).relu()
            inner = F.conv2d(inner[None], weights[f"{name}.conv2.weight"], padding=1)[0]
            x = (x + _batch_norm(weights, f"{name}.norm2", inner)).relu()
            block += 1
    return _pointwise(weights, "project", x)


def _batch_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Batch normalisation at inference: the statistics are those of training."""
    mean, variance, scale, shift = (
        weights[f"{name}.{part}"][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def _positions(visual: nn.Module, grid_hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
    embedding = visual.positional_embedding
    native_hw = tuple(visual.grid_size)
    patches = embedding[1:]
    if native_hw != grid_hw:
        grid = patches.t().reshape(1, -1, *native_hw)
        grid = F.interpolate(grid, size=grid_hw, mode="bicubic", align_corners=False)
        patches = grid[0].flatten(1).t()
    return embedding[0], patches


def _read_last_block(block: nn.Module, x: Tensor, mode: str) -> Tensor:
    if mode == "tokens":
        return block(x)
    attention = block.attn
    width, heads = attention.embed_dim, attention.num_heads
    normed = block.ln_1(x)[0]
    query, _, value = (
        normed @ attention.in_proj_weight[part * width : (part + 1) * width].t()
        + attention.in_proj_bias[part * width : (part + 1) * width]
        for part in range(3)
    )
    if mode == "maskclip":
        x = x + block.ls_1(attention.out_proj(value))
        return x + block.ls_2(block.mlp(block.ln_2(x)))
    mixed = []
    size = width // heads
    for head in range(heads):
        q, v = (part[:, head * size : (head + 1) * size] for part in (query, value))
        mixed.append(torch.softmax(q @ q.t() / size**0.5, dim=1) @ v)
    return block.ls_1(attention.out_proj(torch.cat(mixed, dim=1))).unsqueeze(0)


def _as_map(tokens: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    return tokens[0, 1:].t().reshape(-1, *grid_hw)


def _channel_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean = x.mean(dim=0, keepdim=True)
    variance = (x - mean).pow(2).mean(dim=0, keepdim=True)
    x = (x - mean) / (variance + 1e-5).sqrt()
    weight, bias = weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"]
    return x * weight[:, None, None] + bias[:, None, None]


def _pointwise(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    matrix = weights[f"{name}.weight"][:, :, 0, 0]
    mixed = (matrix @ x.flatten(1)).reshape(-1, x.shape[1], x.shape[2])
    return mixed + weights[f"{name}.bias"][:, None, None]


def _convolve(weights: dict[str, Tensor], name: str, x: Tensor, padding: int) -> Tensor:
    weight = weights[f"{name}.weight"]
    groups = x.shape[0] // weight.shape[1]
    return F.conv2d(x[None], weight, weights[f"{name}.bias"], padding=padding, groups=groups)[0]


def _conv_block(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    inner = _convolve(weights, f"{name}.depthwise", x, padding=2)
    inner = _channel_norm(weights, f"{name}.norm", inner)
    inner = F.gelu(_pointwise(weights, f"{name}.expand", inner))
    return x + _pointwise(weights, f"{name}.contract", inner)


def _double(x: Tensor) -> Tensor:
    return enlarge_patches(x, 2)


def _space_to_depth(image: Tensor) -> Tensor:
    """(c, 2h, 2w) -> (4c, h, w): channel-major, then row, then column of each 2 x 2 block."""
    quarters = [
        image[channel, row::2, column::2]
        for channel in range(image.shape[0])
        for row in range(2)
        for column in range(2)
    ]
    return torch.stack(quarters)


def _depth_to_space(x: Tensor) -> Tensor:
    """(4c, h, w) -> (c, 2h, 2w), the way back of :func:`_space_to_depth`."""
    channels, height, width = x.shape[0] // 4, x.shape[1], x.shape[2]
    out = x.new_zeros(channels, height * 2, width * 2)
    for row in range(2):
        for column in range(2):
            out[:, row::2, column::2] = x[2 * row + column :: 4]
    return out
