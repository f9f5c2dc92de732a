"""Times of the stages that a frame goes through, in milliseconds, and their percentiles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

PERCENTILES = (50, 90, 95, 99)


class StageClock:
    """Milliseconds of each stage, frame by frame."""

    def __init__(self) -> None:
        self.times_ms: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time what runs inside; nothing is kept when it raises."""
        started = time.perf_counter()
        yield
        self.add(stage, 1000 * (time.perf_counter() - started))

    def add(self, stage: str, milliseconds: float) -> None:
        """Note a time that was measured elsewhere."""
        self.times_ms.setdefault(stage, []).append(milliseconds)

    def to_record(self) -> dict[str, dict[str, float]]:
        """Percentiles, mean and extremes of each stage, in milliseconds."""
        return {stage: summarise(times) for stage, times in self.times_ms.items()}


def summarise(times_ms: Sequence[float]) -> dict[str, float]:
    """p50, p90, p95, p99 (linear between neighbours), mean, min and max of ``times_ms``."""
    values = np.asarray(times_ms, np.float64)
    points = np.percentile(values, PERCENTILES)
    summary = {f"p{point}": float(v) for point, v in zip(PERCENTILES, points, strict=True)}
    summary |= {"mean": values.mean(), "min": values.min(), "max": values.max()}
    return {name: round(float(value), 3) for name, value in summary.items()}
