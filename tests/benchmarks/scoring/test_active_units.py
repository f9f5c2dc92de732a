"""Units of the shipped bundle against how busy a frame is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.active_units import count_active_units
from benchmarks.scoring.bundle_under_test import BundleUnderTest


def test_a_busy_frame_has_more_units_than_a_plain_one() -> None:
    plain = np.full((72, 96, 3), 128, np.uint8)
    busy = plain.copy()
    for index in range(24):
        row, column = divmod(index, 6)
        color = np.random.default_rng(index).integers(0, 255, 3)
        busy[row * 18 : row * 18 + 12, column * 16 : column * 16 + 10] = color
    truths = np.zeros((72, 96), np.uint8), (busy != 128).any(axis=2).astype(np.uint8)

    def frames() -> Iterator[EvaluationFrame]:
        yield EvaluationFrame("plain", plain, truths[0])
        yield EvaluationFrame("busy", busy, truths[1])

    subject = BundleUnderTest(None, "onnxruntime-cpu", None)
    subject.predictor(["sky"])
    found = count_active_units(subject, EvaluationSet("two", ("sky",), 2, frames))
    assert found["plainest_tenth"] == subject.count_units(plain)
    assert found["busiest_tenth"] == subject.count_units(busy)
    assert found["ratio"] > 1
