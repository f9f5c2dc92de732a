"""Unit length, as the exported graph has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def normalize(x: Tensor, dim: int, eps: float = 1e-6) -> Tensor:
    """L2-normalise along ``dim``, written so that it exports to Mul, ReduceSum, Sqrt, Max, Div and
    nothing else.
    """
    return x / x.square().sum(dim, keepdim=True).sqrt().clamp_min(eps)


class _UnitLength(torch.autograd.Function):
    """Half the passes over memory that the gradient of :func:`normalize` takes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, eps: float) -> Tensor:
        if x.ndim == 4 and dim == 1:
            # What comes after takes each pixel's vector: let it lie in one piece, gradients too.
            x = x.contiguous(memory_format=torch.channels_last)
        length = torch.linalg.vector_norm(x, dim=dim, keepdim=True).clamp_min(eps)
        unit = x / length
        ctx.save_for_backward(unit, length)
        ctx.dim, ctx.eps = dim, eps
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        unit, length = ctx.saved_tensors
        along = torch.linalg.vecdot(unit, gradient, dim=ctx.dim).unsqueeze(ctx.dim)
        along = along * (length > ctx.eps)  # what is shorter was not divided by its own length
        return torch.addcmul(gradient, unit, along, value=-1).div_(length), None, None


def normalize_large(x: Tensor, dim: int, eps: float = 1e-6) -> Tensor:
    """:func:`normalize` where gradients of large maps are to be had, and nothing is exported."""
    return _UnitLength.apply(x, dim, eps)
