"""bfloat16 autocast where the device computes in bfloat16, float32 where it would only emulate it.

A CPU without bfloat16 instructions (x86 before AVX-512) multiplies bfloat16 matrices some fifty
times slower than float32 ones: a configuration that asks for bf16 trains there in fp32.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch


def computes_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than emulated ones on ``device``."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and bool(
        torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def precision_on(device: torch.device, precision: str) -> str:
    """What a run that asks for ``precision`` computes in on ``device``: ``bf16`` or ``fp32``."""
    return "fp32" if precision == "bf16" and not computes_bf16(device) else precision


def autocast_on(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """The context of forward passes in ``precision``, which may be entered again and again."""
    if precision_on(device, precision) == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()
