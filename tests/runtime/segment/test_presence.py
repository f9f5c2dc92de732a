"""Absent words step back: against the definition, for every kind of scores."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.errors import UserError
from runtime.segment.decision import Decision, label_as_decided
from runtime.segment.presence import LEAST, measure_presence, step_back
from runtime.segment.scratch import ScratchPool
from runtime.segment.windows import WindowScores
from runtime.segment.word_scores import ShiftedScores, StreamedScores, read_band

ROWS = np.array([0, 1, 2, 255, 255], np.uint8)


def plain_presence(cosines_khw: np.ndarray, logit_scale: float) -> np.ndarray:
    """Softmax over words at every fourth place, a label's rows together, the surest hundredth."""
    places_kn = cosines_khw[:, 2::4, 2::4].reshape(len(cosines_khw), -1).astype(np.float64)
    chances_kn = np.exp(logit_scale * places_kn) / np.exp(logit_scale * places_kn).sum(0)
    few = max(1, round(0.01 * places_kn.shape[1]))
    found = []
    for label in ROWS:
        sure_n = np.sort(chances_kn[label == ROWS].sum(0))[::-1]
        found.append(max(sure_n[:few].mean(), LEAST))
    return np.array(found)


def random_cosines(seed: int) -> np.ndarray:
    """Words of which one is nowhere the best."""
    cosines_khw = np.random.default_rng(seed).normal(0, 0.1, (5, 40, 48)).astype(np.float32)
    cosines_khw[1] -= 0.2
    return cosines_khw


def test_a_words_presence_is_its_probability_at_its_surest_places() -> None:
    cosines_khw = random_cosines(0)
    found = measure_presence(cosines_khw, ROWS, 20.0)
    np.testing.assert_allclose(found, plain_presence(cosines_khw, 20.0), rtol=1e-5)
    assert found[1] < 0.5 * found[0]
    assert found[3] == found[4]  # the background's words are there together


def test_every_kind_of_scores_steps_back_alike() -> None:
    cosines_khw = random_cosines(1)
    offset_k = np.log(plain_presence(cosines_khw, 20.0)) / 20.0
    wanted = cosines_khw + offset_k[:, None, None].astype(np.float32)
    streamed = StreamedScores(cosines_khw, np.eye(5, dtype=np.float32))
    for scores in (cosines_khw, streamed):
        shifted = step_back(scores, ROWS, 1.0, 20.0)
        assert isinstance(shifted, ShiftedScores) and shifted.shape == wanted.shape
        np.testing.assert_allclose(shifted[:, 3:9], wanted[:, 3:9], rtol=0, atol=1e-6)
        with ScratchPool().lend() as scratch:
            band = read_band(shifted, 3, 9, scratch)
            np.testing.assert_allclose(band, wanted[:, 3:9], rtol=0, atol=1e-6)
    whole = (slice(0, 40), slice(0, 48))
    windows = step_back(WindowScores((48, 40), (whole,), (cosines_khw,)), ROWS, 1.0, 20.0)
    for row in range(5):
        np.testing.assert_allclose(windows.row(row), wanted[row], rtol=0, atol=1e-6)  # type: ignore[union-attr]


def test_a_word_that_is_nowhere_loses_the_places_it_won_narrowly() -> None:
    # A cat in the left half; in the right, where nobody is sure, a dog wins by a hair.
    cosines_khw = np.zeros((2, 16, 16), np.float32)
    cosines_khw[0, :, :8] = 0.5
    cosines_khw[1, :, 8:] = 0.01
    rows = np.array([0, 1], np.uint8)
    plain = label_as_decided(cosines_khw, rows, (16, 16), Decision(20.0))
    assert set(plain.ravel().tolist()) == {0, 1}
    found = label_as_decided(cosines_khw, rows, (16, 16), Decision(20.0, presence=1.0))
    assert (found == 0).all()


def test_two_words_that_are_both_there_keep_their_places() -> None:
    cosines_khw = np.zeros((2, 16, 16), np.float32)
    cosines_khw[0, :, :8] = cosines_khw[1, :, 8:] = 0.5
    rows = np.array([0, 1], np.uint8)
    plain = label_as_decided(cosines_khw, rows, (16, 16), Decision(20.0))
    found = label_as_decided(cosines_khw, rows, (16, 16), Decision(20.0, presence=1.0))
    np.testing.assert_array_equal(found, plain)


def test_scores_that_were_given_stay_as_they_are() -> None:
    cosines_khw = random_cosines(2)
    before = cosines_khw.copy()
    label_as_decided(cosines_khw, ROWS, (96, 80), Decision(20.0, presence=1.0))
    np.testing.assert_array_equal(cosines_khw, before)
    assert step_back(cosines_khw, ROWS, 0.0, 20.0) is cosines_khw


@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 3, 50)])
def test_grids_of_any_size(shape: tuple[int, int, int]) -> None:
    presence = measure_presence(np.zeros(shape, np.float32), np.array([0, 1], np.uint8), 20.0)
    np.testing.assert_allclose(presence, 0.5)


@pytest.mark.parametrize("value", [-0.1, 10.5, float("nan")])
def test_a_strength_out_of_range(value: float) -> None:
    with pytest.raises(UserError, match="expected a number from 0 to 10"):
        Decision(presence=value)
