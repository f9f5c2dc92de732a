"""Which of PyTorch's attentions a training step is quickest with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextlib.contextmanager
def quickest_attention(device: torch.device) -> Iterator[None]:
    """On CPUs the fused attention's backward pass is the slow one: plain matrices made the whole
    step 1.45 times as fast at 96 tokens. They are float32 even under bfloat16 autocast unless
    PyTorch is told otherwise; in bfloat16 the step takes 0.78 of the time at 384 tokens, 0.99 at
    48, and its gradient is off by as much as the fused one's (0.6 %).
    """
    if device.type != "cpu":
        yield
        return
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    # Named after CUDA, but the CPU's plain matrices ask it too.
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(before)
