"""PAMR beside a bundle agrees with a plain computation, and so with the graph's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.scoring.pamr import (
    NACLIP_DILATIONS,
    TCL_DILATIONS,
    RefinedScores,
    RefinedWindows,
    Refiner,
    refine_scores,
)
from runtime.segment.decision import Decision, label_as_decided
from runtime.segment.windows import RowScores, WindowScores, places
from tests.support import plain_pamr

DILATIONS = (1, 3)


@pytest.fixture
def picture() -> np.ndarray:
    """18 x 12 pixels, half of them of one color."""
    picture = np.random.default_rng(4).integers(0, 256, (12, 18, 3), np.uint8)
    picture[:, :9] = 90
    return picture


@pytest.fixture
def windows() -> WindowScores:
    """Cosines of three words in windows of 12 x 12 every 6 pixels, each on a grid of 3 x 3."""
    where = tuple(places((18, 12), (12, 12), 6))
    rng = np.random.default_rng(5)
    grids = tuple(rng.uniform(-0.1, 0.6, (3, 3, 3)).astype(np.float32) for _ in where)
    return WindowScores((18, 12), where, grids)


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


def test_windows_are_put_together_before_they_are_refined(
    picture: np.ndarray, windows: WindowScores
) -> None:
    """NACLIP's order: mean of the windows, the labels' size, PAMR."""
    large = cv2.resize(picture, (36, 24), interpolation=cv2.INTER_LINEAR)
    together = [cv2.resize(row, (36, 24), interpolation=cv2.INTER_LINEAR) for row in windows[:]]
    expected = plain_pamr.refine(np.stack(together), np.moveaxis(large, 2, 0), DILATIONS)
    found = RefinedScores.of(windows, large, DILATIONS)
    assert isinstance(found, RowScores)
    for number in range(3):
        np.testing.assert_allclose(found.row(number), expected[number], atol=1e-4)
    labels = label_as_decided(found, np.arange(3, dtype=np.uint8), (36, 24), Decision())
    order = np.sort(expected, axis=0)
    clear = order[2] - order[1] > 1e-4
    assert clear.mean() > 0.95
    assert (labels == expected.argmax(axis=0))[clear].all()


def test_each_window_is_refined_as_probabilities(
    picture: np.ndarray, windows: WindowScores
) -> None:
    """TCL's order: a window's size, logistic, PAMR, mean of the windows."""
    total, count = np.zeros((3, 12, 18)), np.zeros((12, 18))
    for place, grid in zip(windows.places, windows.grids, strict=True):
        rows = [cv2.resize(row, (12, 12), interpolation=cv2.INTER_LINEAR) for row in grid]
        chances = 1 / (1 + np.exp(-(np.stack(rows) - 0.25) * 10))
        colors = np.moveaxis(picture[place], 2, 0)
        total[:, place[0], place[1]] += plain_pamr.refine(chances, colors, DILATIONS)
        count[place] += 1
    found = RefinedWindows.of(windows, picture, DILATIONS)
    assert isinstance(found, RowScores)
    for number in range(3):
        chance = 1 / (1 + np.exp(-(found.row(number) - 0.25) * 10))
        np.testing.assert_allclose(chance, total[number] / count, atol=1e-4)
