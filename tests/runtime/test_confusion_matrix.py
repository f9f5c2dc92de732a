"""Confusion matrices and IoU against values worked by hand on small literal maps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.confusion_matrix import class_ious, count_confusions, mean_iou, mean_ious, named_ious

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


def test_a_stack_of_matrices_has_a_mean_each():
    first, second = np.array([[8, 0, 0], [2, 0, 0]]), np.array([[0, 0, 0], [0, 10, 0]])
    stack = np.stack([first, second, np.zeros((2, 3), int)])
    assert mean_ious(stack) == pytest.approx([0.4, 1.0, math.nan], nan_ok=True)
