"""Times of the stages that a frame goes through, in milliseconds, and their percentiles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.record.percentiles import PERCENTILES, interval_of, percentile_of


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

    def to_record(self) -> dict[str, dict[str, Any]]:
        """What :func:`summarise` says of each stage."""
        return {stage: summarise(times) for stage, times in self.times_ms.items()}


def summarise(times_ms: Sequence[float]) -> dict[str, Any]:
    """Percentiles, extremes and spread of times, in milliseconds.

    Args:
        times_ms: at least one.

    Returns:
        ``p50``, ``p90``, ``p95`` and ``p99`` (None where ``times_ms`` are too few,
        :mod:`benchmarks.record.percentiles`), ``mean``, ``min``, ``max``, ``cv`` (the standard
        deviation as a share of the mean) and ``ci95``: each percentile's interval, or None.
    """
    values = np.asarray(times_ms, np.float64)
    mean = float(values.mean())
    summary: dict[str, Any] = {f"p{p}": _rounded(percentile_of(values, p)) for p in PERCENTILES}
    summary |= {"mean": mean, "min": float(values.min()), "max": float(values.max())}
    summary = {name: _rounded(value) for name, value in summary.items()}
    summary["cv"] = round(float(values.std(ddof=1)) / mean, 4) if len(values) > 1 and mean else 0.0
    intervals = {f"p{p}": interval_of(values, p) for p in PERCENTILES}
    summary["ci95"] = {
        name: None if pair is None else [_rounded(value) for value in pair]
        for name, pair in intervals.items()
    }
    return summary


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
