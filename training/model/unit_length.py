"""Unit length, as the exported graph has it."""

from __future__ import annotations

from torch import Tensor


def normalize(x: Tensor, dim: int, eps: float = 1e-6) -> Tensor:
    """L2-normalise along ``dim``, written so that it exports to Mul, ReduceSum, Sqrt, Max, Div and
    nothing else.
    """
    return x / x.square().sum(dim, keepdim=True).sqrt().clamp_min(eps)
