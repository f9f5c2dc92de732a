"""Each measure against values worked by hand on small literal maps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.scoring.bootstrap import bootstrap_miou, interval95
from benchmarks.scoring.boundary import boundary_f_score
from runtime.confusion_matrix import class_ious, count_confusions, mean_iou, named_ious

TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 2, 255, 0]], np.uint8)


def test_confusions_leave_out_unknown_truth_and_keep_none_apart():
    # truth 0: two right, one called 1, one called 2; truth 1: two right, one called none;
    # the pixel with truth 255 is in no cell although it was predicted as 0
    assert count_confusions(TRUTH, PREDICTED, 3).tolist() == [
        [2, 1, 1, 0],
        [0, 2, 0, 1],
        [0, 0, 0, 0],
    ]


def test_camvid_unlabelled_is_outside_eleven_classes():
    truth = np.array([[11, 10]], np.uint8)
    counts = count_confusions(truth, np.array([[0, 10]], np.uint8), 11)
    assert counts.sum() == 1
    assert counts[10, 10] == 1


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(2, 4\).*\(2, 3\)"):
        count_confusions(TRUTH, PREDICTED[:, :3], 3)


def test_iou_by_hand():
    confusion = count_confusions(TRUTH, PREDICTED, 3)
    ious = class_ious(confusion)
    assert ious[0] == pytest.approx(2 / 4)  # hits 2; truth 4, predicted 2, union 4
    assert ious[1] == pytest.approx(2 / 4)  # hits 2; truth 3, predicted 3, union 4
    assert math.isnan(ious[2])  # in no truth, so it is in no mean
    assert mean_iou(confusion) == pytest.approx(0.5)
    assert named_ious(confusion, ["a", "b", "c"]) == pytest.approx({"a": 0.5, "b": 0.5})


def test_mean_iou_is_of_the_summed_matrix_not_of_frames():
    first = np.array([[8, 0, 0], [2, 0, 0]])  # frame 1: a 8 of 8 found, b missed
    second = np.array([[0, 0, 0], [0, 10, 0]])  # frame 2: b alone, all found
    # summed: a 8/10, b 10/12; the mean of the frames' own means would be (0.4 + 1) / 2
    assert mean_iou(first + second) == pytest.approx((8 / 10 + 10 / 12) / 2)


def test_no_truth_has_no_mean():
    assert math.isnan(mean_iou(np.zeros((2, 3), np.int64)))


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


def _halves(column: int) -> np.ndarray:
    labels = np.zeros((20, 40), np.uint8)
    labels[:, column:] = 1
    return labels


def test_boundary_score_of_equal_and_of_flat_maps():
    assert boundary_f_score(_halves(20), _halves(20)) == 1.0
    flat = np.zeros((20, 40), np.uint8)
    assert boundary_f_score(flat, flat) == 1.0
    assert boundary_f_score(_halves(20), flat) == 0.0


def test_boundary_within_and_beyond_tolerance():
    # the diagonal is 44.7: 0.05 of it is 2 pixels
    assert boundary_f_score(_halves(20), _halves(22), tolerance=0.05) == 1.0
    assert boundary_f_score(_halves(20), _halves(23), tolerance=0.05) == 0.0


def test_boundary_precision_and_recall_by_hand():
    predicted = _halves(20)
    predicted[:, 30:] = 2  # a second edge that the truth lacks: precision 1/2, recall 1
    assert boundary_f_score(_halves(20), predicted, tolerance=0.02) == pytest.approx(2 / 3)


def test_boundary_next_to_unknown_truth_does_not_count():
    truth = _halves(20)
    truth[:, 18:22] = 255
    assert boundary_f_score(truth, np.zeros((20, 40), np.uint8)) == 1.0
