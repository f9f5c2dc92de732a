"""Frames read in a thread of their own, one ahead of who takes them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.datasets.evaluation_set import EvaluationFrame


def read_ahead(frames: Iterator[EvaluationFrame]) -> Iterator[EvaluationFrame]:
    """The same frames; while one is looked at, the next is decoded. Errors come in their place."""
    with ThreadPoolExecutor(1, "read-ahead") as reader:
        ahead = reader.submit(next, frames, None)
        while (frame := ahead.result()) is not None:
            ahead = reader.submit(next, frames, None)
            yield frame
