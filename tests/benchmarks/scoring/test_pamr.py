"""PAMR beside a bundle agrees with a plain computation, and so with the graph's."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scoring.pamr import NACLIP_DILATIONS, TCL_DILATIONS, Refiner, refine_scores
from tests.support import plain_pamr


@pytest.mark.parametrize("dilations", [TCL_DILATIONS, NACLIP_DILATIONS])
def test_agrees_with_a_plain_computation(dilations: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(3, 40, 56)).astype(np.float32)
    frame = rng.integers(0, 256, (160, 224, 3), np.uint8)
    frame[:80] = 70
    colors = frame.reshape(40, 4, 56, 4, 3).mean(axis=(1, 3))
    expected = plain_pamr.refine(scores, np.moveaxis(colors, 2, 0), dilations)
    assert np.abs(refine_scores(scores, frame, dilations) - expected).max() < 1e-4
    (row,) = {Refiner(colors, dilations)(scores[0]).dtype}
    assert row == np.float32
