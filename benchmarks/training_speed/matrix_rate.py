"""The machine's own matrix-multiply rate, which nothing that multiplies matrices can beat."""

from __future__ import annotations

import time

SIDE = 1024
PRECISIONS = ("fp32", "bf16")


def measure_matrix_rate(precision: str, seconds: float) -> float:
    """GFLOP/s of square products in ``fp32`` or ``bf16``: the best of repeats over ``seconds``.

    The best, since whatever else runs can only make a product slower. Output memory is reused.
    """
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(SIDE, SIDE, generator=generator).to(dtype)
    right = torch.randn(SIDE, SIDE, generator=generator).to(dtype)
    product = torch.empty(SIDE, SIDE, dtype=dtype)
    torch.matmul(left, right, out=product)
    best_s, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best_s == float("inf"):
        started = time.perf_counter()
        torch.matmul(left, right, out=product)
        best_s = min(best_s, time.perf_counter() - started)
    return 2 * SIDE**3 / best_s / 1e9
