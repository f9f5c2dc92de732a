"""The plain eager reference of dense features: the last block, read as a method's paper says.

One head and one patch at a time, each step by itself; what is traced joins steps that are linear.
The methods are named in training.model.dense.methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from export.parity.reference_timm import PlainBlock

Grid = tuple[int, int]
Block: TypeAlias = nn.Module | PlainBlock


def read_dense(
    mode: str, blocks: Sequence[Block], hidden: Sequence[Tensor], grid_hw: Grid
) -> Tensor:
    """Read the last block.

    Args:
        mode: the method's name.
        blocks: all blocks of the tower.
        hidden: (1, 1 + p, c) what each block gets; the last block's, and so one for each.
        grid_hw: the patch grid.

    Returns:
        (1, 1 + p, c), before the last norm; the class token's row may be anything.
    """
    if mode == "tokens":
        return blocks[-1](hidden[-1])  # type: ignore[no-any-return]
    x = hidden[-1][0]
    if mode in ("sc-clip", "sfp"):
        patches = _recall(mode, blocks, [one[0] for one in hidden], grid_hw)
        return torch.cat([x[:1], patches])[None]
    block = blocks[-1]
    query, key, value = _split(block, x)
    if mode == "maskclip":
        x = x + block.ls_1(block.attn.out_proj(value))
        return (x + block.ls_2(block.mlp(block.ln_2(x))))[None]
    heads = block.attn.num_heads
    if mode == "sclip":
        weights = [_softmax(q, q) + _softmax(k, k) for q, k in _heads(heads, query, key)]
        x = x + block.ls_1(block.attn.out_proj(_mix(weights, value)))
        return (x + block.ls_2(block.mlp(block.ln_2(x))))[None]
    if mode == "naclip":
        near = _gaussian(grid_hw, 5.0)[-len(x) :, -len(x) :]
        weights = [_softmax(k, k, near) for (k,) in _heads(heads, key)]
    else:
        weights = [_softmax(q, q) for (q,) in _heads(heads, query)]
    return block.ls_1(block.attn.out_proj(_mix(weights, value)))[None]


def _recall(mode: str, blocks: Sequence[Block], hidden: Sequence[Tensor], grid_hw: Grid) -> Tensor:
    """SC-CLIP and SFP: patches (p, c)."""
    block, late, depth = blocks[-1], hidden[-1], len(blocks)

    def after(place: int) -> Tensor:
        """What a block gives, named by its place among twelve."""
        index = ((place + 1) * depth + 6) // 12
        return hidden[min(max(index, 1), depth - 1)]

    if mode == "sc-clip":
        odd = _local_outliers(late[1:])
    else:
        odd = _loud_patches(blocks[-2], hidden[-2])
    zeroes = mode == "sfp"
    mended = _mend(late[1:], odd, grid_hw, zeroes=zeroes)
    deep = _cosines(_mend(after(8)[1:], odd, grid_hw, zeroes=zeroes))
    deep_cut, shallow_cut = _cut(deep), _cut(_cosines(after(3)[1:]))
    bias = _above_mean(deep_cut if mode == "sfp" else deep)
    total = sum((after(place) for place in range(4, 10)), after(3))
    heads = block.attn.num_heads

    query, key, value = _split(block, _row_shares(deep_cut) @ mended)
    if mode == "sfp":
        weights = [
            (_softmax(k, k) + _softmax(q, q) + bias) / 3 for q, k in _heads(heads, query, key)
        ]
    else:
        weights = [(_softmax(k, k) + bias) / 2 for (k,) in _heads(heads, key)]
    x = block.ls_1(block.attn.out_proj(_mix(weights, value))) + 0.3 * late[0]
    x = _row_shares(shallow_cut) @ x

    query, key, value = _split(block, total[1:])
    weights = [bias] * heads
    if mode == "sc-clip":
        weights = [(_softmax(k, k) + bias) / 2 for (k,) in _heads(heads, key)]
    y = block.ls_1(block.attn.out_proj(_mix(weights, value))) + 0.3 * total[0]
    return x + _row_shares(shallow_cut) @ y


def _split(block: Block, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value (n, c) of a block's normed tokens."""
    if isinstance(block, PlainBlock):
        return block.split(x)
    attention, normed = block.attn, block.ln_1(x)
    width = attention.embed_dim
    query, key, value = (
        normed @ attention.in_proj_weight[part * width : (part + 1) * width].t()
        + attention.in_proj_bias[part * width : (part + 1) * width]
        for part in range(3)
    )
    return query, key, value


def _heads(heads: int, *parts: Tensor) -> list[tuple[Tensor, ...]]:
    size = parts[0].shape[1] // heads
    return [
        tuple(part[:, head * size : (head + 1) * size] for part in parts) for head in range(heads)
    ]


def _softmax(one: Tensor, other: Tensor, bias: Tensor | float = 0.0) -> Tensor:
    return torch.softmax(one @ other.t() / one.shape[1] ** 0.5 + bias, dim=1)


def _mix(weights: Sequence[Tensor], value: Tensor) -> Tensor:
    values = _heads(len(weights), value)
    return torch.cat([weight @ v for weight, (v,) in zip(weights, values, strict=True)], dim=1)


def _gaussian(grid_hw: Grid, deviation: float) -> Tensor:
    """(1 + p, 1 + p); zeros in row and column of the class token."""
    rows, columns = grid_hw
    near = torch.zeros(1 + rows * columns, 1 + rows * columns)
    places = torch.tensor([(row, column) for row in range(rows) for column in range(columns)])
    for number, place in enumerate(places):
        square = (places - place).pow(2).sum(dim=1)
        near[1 + number, 1:] = (-square / (2 * deviation**2)).exp()
    return near


def _local_outliers(patches: Tensor) -> set[int]:
    count = len(patches)
    neighbors = min(30, count - 1)
    reach, seen = [], []
    for number in range(count):
        square = (patches - patches[number]).pow(2).sum(dim=1)
        square[number] = float("inf")
        nearest = square.topk(neighbors, largest=False)
        reach.append(max(float(nearest.values[-1]), 1e-6))
        seen.append(nearest.indices.tolist())
    factor = [
        reach[number] * sum(1 / reach[other] for other in others) / neighbors
        for number, others in enumerate(seen)
    ]
    bound = float(torch.tensor(factor, dtype=torch.float64).quantile(0.95))
    return {number for number, value in enumerate(factor) if value > bound}


def _loud_patches(block: Block, x: Tensor) -> set[int]:
    if isinstance(block, PlainBlock):
        query, key, _ = block.split(x)
        heads = _heads(block.attn.num_heads, query, key)
        weight = torch.stack([_softmax(q, k) for q, k in heads]).mean(dim=0)[None]
    else:
        normed = block.ln_1(x)[None]
        _, weight = block.attn(normed, normed, normed, need_weights=True, average_attn_weights=True)
    loud, own = 1.5 * weight[0, 0, 1:], weight[0].diagonal()[1:]
    ordered: list[int] = loud.argsort(descending=True).tolist()
    return set([number for number in ordered if loud[number] > own[number]][:10])


def _mend(patches: Tensor, odd: set[int], grid_hw: Grid, *, zeroes: bool) -> Tensor:
    rows, columns = grid_hw
    mended = patches.clone()
    for number in odd:
        row, column = divmod(number, columns)
        around = [
            y * columns + x
            for y in range(max(row - 1, 0), min(row + 2, rows))
            for x in range(max(column - 1, 0), min(column + 2, columns))
        ]
        sound = [other for other in around if other not in odd]
        if sound:
            mended[number] = patches[sound].mean(dim=0)
        elif zeroes:
            mended[number] = 0
    return mended


def _cosines(patches: Tensor) -> Tensor:
    units = patches / patches.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return units @ units.t()


def _cut(cosines: Tensor) -> Tensor:
    return torch.where(cosines < 0.4, torch.zeros(()), cosines)


def _row_shares(weights: Tensor) -> Tensor:
    return weights / (weights.sum(dim=1, keepdim=True) + 1e-6)


def _above_mean(cosines: Tensor) -> Tensor:
    above = 3 * (cosines - cosines.mean())
    return torch.softmax(above.where(above >= 0, float("-inf")), dim=1)
