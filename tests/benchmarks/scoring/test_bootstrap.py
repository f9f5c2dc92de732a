"""Bootstraps over frames, paired by frame."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scoring.bootstrap import bootstrap_means, bootstrap_miou, interval95, margins_of
from runtime.confusion_matrix import mean_iou


def margins_of_all(confusions) -> np.ndarray:
    return np.stack([margins_of(confusion) for confusion in confusions])


def test_margins_by_hand():
    found = margins_of(np.array([[6, 2, 1], [3, 5, 0]]))
    assert found.tolist() == [[9, 8], [9, 7], [6, 5]]


def test_a_class_without_truth_does_not_count():
    frames = margins_of_all([np.array([[6, 2, 0], [0, 0, 0]])] * 3)
    values = bootstrap_miou({"a": frames}, resamples=5)["a"]
    assert values == pytest.approx(np.full(5, 6 / 8))


def test_means_are_drawn_of_the_same_frames():
    values = np.random.default_rng(0).random(40)
    means = bootstrap_means(values, resamples=300)
    assert bootstrap_means(2 * values, resamples=300) == pytest.approx(2 * means)
    low, high = interval95(means)
    assert low < values.mean() < high
    assert len(bootstrap_means(np.empty(0))) == 0


def test_bootstrap_is_paired_and_repeatable():
    rng = np.random.default_rng(3)
    better = rng.integers(5, 20, (30, 4, 5))
    better[:, range(4), range(4)] += 40
    worse = better.copy()
    worse[:, range(4), range(4)] -= 5
    worse[:, :, 4] += 5
    pair = {"better": margins_of_all(better), "worse": margins_of_all(worse)}
    values = bootstrap_miou(pair, resamples=200, seed=1)
    again = bootstrap_miou(pair, resamples=200, seed=1)
    assert values["better"].tolist() == again["better"].tolist()
    assert (values["better"] > values["worse"]).all()
    low, high = interval95(values["better"])
    assert low < mean_iou(better.sum(axis=0)) < high


def test_bootstrap_of_identical_frames_has_no_spread():
    frame = np.array([[6, 2, 0], [1, 5, 0]])
    values = bootstrap_miou({"a": margins_of_all([frame] * 4)}, resamples=50)["a"]
    assert values == pytest.approx(np.full(50, mean_iou(frame)))


def test_bootstrap_refuses_unequal_frames():
    with pytest.raises(ValueError, match="same frames"):
        bootstrap_miou({"a": np.ones((2, 3, 1)), "b": np.ones((3, 3, 1))})
