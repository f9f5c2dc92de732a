"""timm's transformer blocks under the names of open_clip's, so that one code reads both.

Weights are shared with the tower wherever they need no other order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.model.timm.rotation import Rotation, halves_first


class Scale(nn.Module):
    """What a branch is multiplied with, a number a channel."""

    def __init__(self, gamma: nn.Parameter) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, x: Tensor) -> Tensor:
        """(..., c) -> the same shape."""
        return x * self.gamma


class Attention(nn.Module):
    """The weights of one attention, laid out as ``nn.MultiheadAttention`` has them.

    Attributes:
        num_heads: of it.
        in_proj_weight: (3 c, c) of queries, keys and values.
        in_proj_bias: (3 c).
        out_proj: what is done with the mixed values: a projection, behind a norm in EVA-02.
        rotation: turns queries and keys; None where positions are only added.
    """

    def __init__(self, attention: nn.Module, rotation: Rotation | None) -> None:
        super().__init__()
        self.num_heads = int(attention.num_heads)  # type: ignore[arg-type]
        weights, biases = _rows(attention)
        if rotation is not None and not rotation.halved:
            weights[:2] = [halves_first(rows, self.num_heads) for rows in weights[:2]]
            biases[:2] = [halves_first(rows, self.num_heads) for rows in biases[:2]]
        self.in_proj_weight = _joined(weights)
        self.in_proj_bias = _joined(biases)
        self.embed_dim = int(self.in_proj_weight.shape[1])
        norm, projection = getattr(attention, "norm", nn.Identity()), attention.proj
        plain = isinstance(norm, nn.Identity)
        self.out_proj = projection if plain else nn.Sequential(norm, projection)
        self.rotation = rotation


class Block(nn.Module):
    """One block; ``ls_1`` and ``ls_2`` stand behind its branches."""

    def __init__(self, block: nn.Module, rotation: Rotation | None) -> None:
        super().__init__()
        before = [block.norm1, block.norm2]
        after = [_scale_of(block, 1), _scale_of(block, 2)]
        if type(block).__name__ == "EvaBlockPostNorm":
            before, after = [nn.Identity(), nn.Identity()], before  # type: ignore[list-item]
        self.ln_1, self.ln_2 = before
        self.ls_1, self.ls_2 = after
        self.attn = Attention(block.attn, rotation)  # type: ignore[arg-type]
        self.mlp = block.mlp


def _rows(attention: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Weights (c, c) and biases (c) of queries, keys and values, in timm's order of channels."""
    if getattr(attention, "qkv", None) is None:
        parts = [getattr(attention, f"{name}_proj") for name in "qkv"]
        weights = [part.weight for part in parts]
        biases = [part.bias for part in parts]
    else:
        weights = list(attention.qkv.weight.chunk(3))  # type: ignore[union-attr, operator]
        bias = attention.qkv.bias  # type: ignore[union-attr]
        if bias is None:
            biases = [getattr(attention, f"{name}_bias", None) for name in "qkv"]
        else:
            biases = list(bias.chunk(3))  # type: ignore[operator]
    zeros = [torch.zeros_like(rows[:, 0]) for rows in weights]
    filled = [
        zero if bias is None else bias.detach() for zero, bias in zip(zeros, biases, strict=True)
    ]
    return [rows.detach() for rows in weights], filled


def _joined(parts: list[Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.cat(parts), requires_grad=False)


def _scale_of(block: nn.Module, place: int) -> nn.Module:
    """The scale behind a branch: a module in timm's ViT, a parameter in EVA, or none."""
    gamma = getattr(block, f"gamma_{place}", None)
    if gamma is not None:
        return Scale(gamma)
    return getattr(block, f"ls{place}", nn.Identity())
