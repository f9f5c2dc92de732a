"""Bootstraps over frames, paired by frame."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scoring.bootstrap import bootstrap_miou, interval95
from runtime.confusion_matrix import mean_iou


def test_bootstrap_is_paired_and_repeatable():
    rng = np.random.default_rng(3)
    better = rng.integers(5, 20, (30, 4, 5))
    better[:, range(4), range(4)] += 40
    worse = better.copy()
    worse[:, range(4), range(4)] -= 5
    worse[:, :, 4] += 5
    values = bootstrap_miou({"better": better, "worse": worse}, resamples=200, seed=1)
    again = bootstrap_miou({"better": better, "worse": worse}, resamples=200, seed=1)
    assert values["better"].tolist() == again["better"].tolist()
    assert (values["better"] > values["worse"]).all()
    low, high = interval95(values["better"])
    assert low < mean_iou(better.sum(axis=0)) < high


def test_bootstrap_of_identical_frames_has_no_spread():
    frame = np.array([[6, 2, 0], [1, 5, 0]])
    values = bootstrap_miou({"a": np.stack([frame] * 4)}, resamples=50)["a"]
    assert values == pytest.approx(np.full(50, mean_iou(frame)))


def test_bootstrap_refuses_unequal_frames():
    with pytest.raises(ValueError, match="same frames"):
        bootstrap_miou({"a": np.ones((2, 1, 2)), "b": np.ones((3, 1, 2))})
