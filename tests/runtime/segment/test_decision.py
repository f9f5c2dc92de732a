"""Labels by thresholds and areas at full size, against all rows at once in float64."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from runtime.errors import UserError
from runtime.segment.decision import Decision, label_as_decided
from runtime.segment.word_scores import StreamedScores

ROWS = np.array([255, 255, 0, 1, 1], np.uint8)  # two background words; a class of two words
SIZE_WH = (13, 9)


def plain_labels(cosines_khw: np.ndarray, rows: np.ndarray, decision: Decision) -> np.ndarray:
    """As published code reads: softmax of all words, the best word of each class, then areas."""
    logits = decision.logit_scale * np.stack(
        [cv2.resize(row, SIZE_WH) for row in cosines_khw]
    ).astype(np.float64)
    chances = np.exp(logits - logits.max(axis=0))
    chances /= chances.sum(axis=0)
    labels = np.unique(rows)
    by_class = np.stack([chances[rows == label].max(axis=0) for label in labels])
    if decision.least_area:
        areas = np.bincount(by_class.argmax(axis=0).ravel(), minlength=len(labels))
        things = labels != 255
        small = things & (areas <= decision.least_area * areas[things].sum())
        by_class[small] = 0
    found = labels[by_class.argmax(axis=0)]
    found[by_class.max(axis=0) < decision.background_threshold] = 255
    return found


@pytest.mark.parametrize("threshold", [0.0, 0.45])
@pytest.mark.parametrize("least_area", [0.0, 0.45])
def test_by_softmax(threshold: float, least_area: float) -> None:
    cosines = np.random.default_rng(2).random((5, 5, 6)).astype(np.float32)
    decision = Decision(5.0, background_threshold=threshold, least_area=least_area)
    found = label_as_decided(cosines, ROWS, SIZE_WH, decision)
    expected = plain_labels(cosines, ROWS, decision)
    assert (found == expected).mean() > 0.98  # float32 on a tie's edge
    plain = label_as_decided(cosines, ROWS, SIZE_WH, Decision(5.0))
    assert (not threshold and not least_area) == bool((found == plain).all())
    if least_area:
        assert 0 not in found or 1 not in found


def test_by_each_words_own_probability() -> None:
    # 1 / (1 + exp(-10 (cosine - 0.25))) is 0.5 at a cosine of 0.25.
    cosines = np.array([[[0.24, 0.26, 0.1]], [[0.1, 0.2, 0.9]]], np.float32)
    decision = Decision(40.0, background_threshold=0.5, background_probability="sigmoid")
    rows = np.array([0, 1], np.uint8)
    assert label_as_decided(cosines, rows, (3, 1), decision).tolist() == [[255, 0, 1]]


def test_scores_that_are_computed_where_they_are_looked_at() -> None:
    draw = np.random.default_rng(3)
    streamed = StreamedScores(
        draw.standard_normal((4, 5, 6)).astype(np.float32),
        draw.standard_normal((5, 4)).astype(np.float32),
    )
    decision = Decision(2.0, background_threshold=0.7, least_area=0.1)
    dense = label_as_decided(np.asarray(streamed), ROWS, SIZE_WH, decision)
    assert (label_as_decided(streamed, ROWS, SIZE_WH, decision) == dense).mean() > 0.98
    assert len(np.unique(dense)) > 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"background_threshold": 1.5}, "background_threshold is 1.5; expected a probability"),
        ({"least_area": -0.1}, "least_area is -0.1; expected a share from 0 to 1"),
        ({"logit_scale": 0.0}, "logit_scale is 0.0; expected a positive number"),
        ({"background_probability": "max"}, "'max'; expected softmax or sigmoid"),
        ({"bias": 1}, "bias decides nothing; expected some of logit_scale"),
    ],
)
def test_bad_values(values: dict[str, float], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Decision().changed(**values)
