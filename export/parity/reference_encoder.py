"""The plain eager reference, first half: a frame in, pixel embeddings out.

Written for clearness and on its own: it runs open_clip's blocks as open_clip wrote them (with
``nn.MultiheadAttention``) and spells the decoder out with tensor functions. Nothing here is traced;
nothing traced is used here. Only the weights are shared, read by name.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.parity.reference_dense import read_dense
from export.parity.reference_timm import TimmReading


def normalise_frame(frame_hw3: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (h, w, 3) RGB -> float (3, h, w), zero mean and unit variance by CLIP's figures."""
    channels = [
        (frame_hw3[:, :, channel].float() / 255.0 - mean[channel]) / std[channel]
        for channel in range(3)
    ]
    return torch.stack(channels)


def encode_patches(
    visual: nn.Module,
    image_3hw: Tensor,
    mode: str,
    early_block: int,
    pooled_blocks: int = 0,
    position_resize: str = "size",
) -> tuple[Tensor, Tensor, Tensor]:
    """Run CLIP's image tower and read its last block patch by patch.

    Args:
        visual: open_clip's vision transformer.
        image_3hw: a normalised image.
        mode: how the last block is read (export.parity.reference_dense).
        early_block: the block whose output is the early view.
        pooled_blocks: how many of the first blocks attend to averages of 2 x 2 patches.
        position_resize: ``size``, ``scale-factor`` or ``antialias``.

    Returns:
        Embeddings (D, hp, wp), early tokens (C, hp, wp), late tokens (C, hp, wp).
    """
    if hasattr(visual, "trunk"):
        return _encode_by_timm(visual, image_3hw, mode, early_block, position_resize)
    patches = _first_tokens(visual.conv1, image_3hw)  # (C, hp, wp)
    grid_hw = (patches.shape[1], patches.shape[2])
    positions = (visual.positional_embedding[1:], tuple(visual.grid_size))
    patch_positions = _positions(*positions, grid_hw, position_resize)
    class_position = visual.positional_embedding[0]
    tokens = patches.flatten(1).t() + patch_positions
    x = torch.cat([(visual.class_embedding + class_position).unsqueeze(0), tokens])
    x = visual.ln_pre(x.unsqueeze(0))
    blocks = list(visual.transformer.resblocks)
    hidden = [x]
    for index, block in enumerate(blocks[:-1]):
        x = _run_on_averages(block, x, grid_hw) if index < pooled_blocks else block(x)
        hidden.append(x)
    if mode == "tokens" and pooled_blocks >= len(blocks):
        last = _run_on_averages(blocks[-1], x, grid_hw)
    else:
        last = read_dense(mode, blocks, hidden, grid_hw)
    early = hidden[early_block + 1]
    embeddings = visual.ln_post(last) @ visual.proj
    return _as_map(embeddings, grid_hw), _as_map(early, grid_hw), _as_map(x, grid_hw)


def _encode_by_timm(
    visual: nn.Module, image_3hw: Tensor, mode: str, early_block: int, position_resize: str
) -> tuple[Tensor, Tensor, Tensor]:
    """The same of a tower of timm's."""
    trunk: Any = visual.trunk
    projection = trunk.patch_embed.proj
    maps = F.conv2d(image_3hw[None], projection.weight, projection.bias, stride=projection.stride)[
        0
    ]
    grid_hw = (maps.shape[1], maps.shape[2])
    reading = TimmReading(visual, grid_hw)
    prefix, embedding = reading.prefix, trunk.pos_embed[0]
    positions = _positions(
        embedding[prefix:], tuple(trunk.patch_embed.grid_size), grid_hw, position_resize
    )
    x = reading.first_tokens(maps.flatten(1).t(), torch.cat([embedding[:prefix], positions]))
    blocks = reading.blocks
    hidden = [x]
    for block in blocks[:-1]:
        x = block(x)
        hidden.append(x)
    if reading.pools_by_attention and mode == "maskclip":
        last = blocks[-1](x)
    else:
        last = read_dense(mode, blocks, hidden, grid_hw)
    maps_of = (reading.embed(last[:, -len(positions) :]), hidden[early_block + 1], x)
    embeddings, early, late = (
        tokens[0, -len(positions) :].t().reshape(-1, *grid_hw) for tokens in maps_of
    )
    return embeddings, early, late


def decode_pixels(
    weights: dict[str, Tensor], patches: Tensor, early: Tensor, late: Tensor, image: Tensor
) -> Tensor:
    """Run the decoder from its weights: (D, hp, wp) -> (D, 4 hp, 4 wp), not normalised."""
    stream = pointwise(weights, "read_late", channel_norm(weights, "late_norm", late))
    stream = stream + pointwise(weights, "read_early", channel_norm(weights, "early_norm", early))
    depth = 0
    while f"coarse.{depth}.depthwise.weight" in weights:
        stream = conv_block(weights, f"coarse.{depth}", stream)
        depth += 1
    halves = shrink_image(image, (patches.shape[1] * 8, patches.shape[2] * 8))
    quarters = shrink_image(halves, (patches.shape[1] * 4, patches.shape[2] * 4))
    views = [as_depth(quarters), as_depth(halves)]
    x = patches
    for block, view in zip(("stage1", "stage2"), views, strict=True):
        stream = spread_depth(pointwise(weights, f"{block}.spread", stream))
        stream = stream + convolve(weights, f"{block}.look", view, padding=1)
        stream = conv_block(weights, f"{block}.mix", stream)
        residual = pointwise(weights, f"{block}.speak", stream)
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
    return pointwise(weights, "project", x)


def _batch_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Batch normalisation at inference: the statistics are those of training."""
    mean, variance, scale, shift = (
        weights[f"{name}.{part}"][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def _positions(
    patches: Tensor, native_hw: tuple[int, int], grid_hw: tuple[int, int], resize: str
) -> Tensor:
    """Of the patches (p, C), at another grid."""
    if native_hw != grid_hw:
        grid = patches.t().reshape(1, -1, *native_hw)
        how: dict[str, Any] = {"size": grid_hw}
        if resize == "scale-factor":
            how = {
                "scale_factor": (
                    (grid_hw[0] + 0.1) / native_hw[0],
                    (grid_hw[1] + 0.1) / native_hw[1],
                )
            }
        elif resize == "antialias":
            how["antialias"] = True
        grid = F.interpolate(grid, mode="bicubic", align_corners=False, **how)
        patches = grid[0].flatten(1).t()
    return patches


def _run_on_averages(block: nn.Module, x: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """A block whose patches look at the averages of cells of 2 x 2 patches, one head at a time."""
    attention = block.attn
    width, size = attention.embed_dim, attention.embed_dim // attention.num_heads
    normed = block.ln_1(x)[0]
    patches = normed[1:].reshape(*grid_hw, width)
    seen, counts = [normed[0]], [1]
    for row in range(0, grid_hw[0], 2):
        for column in range(0, grid_hw[1], 2):
            cell = patches[row : row + 2, column : column + 2].reshape(-1, width)
            seen.append(cell.mean(dim=0))
            counts.append(len(cell))
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    query, key, value = (
        source @ weight.t() + bias
        for source, weight, bias in zip(
            (normed, torch.stack(seen), torch.stack(seen)), weights, biases, strict=True
        )
    )
    mixed = []
    for head in range(attention.num_heads):
        q, k, v = (part[:, head * size : (head + 1) * size] for part in (query, key, value))
        weight = (q @ k.t() / size**0.5).exp() * torch.tensor(counts)
        mixed.append(weight / weight.sum(dim=1, keepdim=True) @ v)
    x = x + block.ls_1(attention.out_proj(torch.cat(mixed, dim=1)))
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def _as_map(tokens: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    return tokens[0, 1:].t().reshape(-1, *grid_hw)


def channel_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Zero mean and unit variance over the channels of each position, then scaled and shifted."""
    mean = x.mean(dim=0, keepdim=True)
    variance = (x - mean).pow(2).mean(dim=0, keepdim=True)
    x = (x - mean) / (variance + 1e-5).sqrt()
    weight, bias = weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"]
    return x * weight[:, None, None] + bias[:, None, None]


def pointwise(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A 1 x 1 convolution as the product that it is: (c, h, w) -> (c', h, w)."""
    matrix = weights[f"{name}.weight"][:, :, 0, 0]
    mixed = (matrix @ x.flatten(1)).reshape(-1, x.shape[1], x.shape[2])
    return mixed + weights[f"{name}.bias"][:, None, None]


def convolve(weights: dict[str, Tensor], name: str, x: Tensor, padding: int) -> Tensor:
    """A convolution; in how many groups, the shapes say: (c, h, w) -> (c', h, w)."""
    weight = weights[f"{name}.weight"]
    groups = x.shape[0] // weight.shape[1]
    return F.conv2d(x[None], weight, weights[f"{name}.bias"], padding=padding, groups=groups)[0]


def conv_block(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """One of the decoder's residual blocks: (c, h, w) -> (c, h, w)."""
    inner = convolve(weights, f"{name}.depthwise", x, padding=2)
    inner = channel_norm(weights, f"{name}.norm", inner)
    inner = F.gelu(pointwise(weights, f"{name}.expand", inner))
    return x + pointwise(weights, f"{name}.contract", inner)


def _double(x: Tensor) -> Tensor:
    return enlarge_patches(x, 2)


def as_depth(image: Tensor) -> Tensor:
    """(c, 2h, 2w) -> (4c, h, w): channel-major, then row, then column of each 2 x 2 block."""
    quarters = [
        image[channel, row::2, column::2]
        for channel in range(image.shape[0])
        for row in range(2)
        for column in range(2)
    ]
    return torch.stack(quarters)


def spread_depth(x: Tensor) -> Tensor:
    """(4c, h, w) -> (c, 2h, 2w), the way back of :func:`as_depth`."""
    channels, height, width = x.shape[0] // 4, x.shape[1], x.shape[2]
    out = x.new_zeros(channels, height * 2, width * 2)
    for row in range(2):
        for column in range(2):
            out[:, row::2, column::2] = x[2 * row + column :: 4]
    return out
