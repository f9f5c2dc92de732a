"""Flicker and jumps, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.scoring.stability import LabelledClip, describe_jumps


def test_flicker_is_taken_where_the_truth_stays() -> None:
    clip = LabelledClip(classes=2, truth_classes=2)
    frames = (
        # labels, truth: of four pixels three stay, and one has no truth
        ([0, 0, 1, 1], [0, 0, 1, 255]),
        ([0, 1, 0, 0], [0, 0, 0, 255]),
        ([0, 1, 0, 1], [0, 0, 0, 255]),
    )
    for labels, truth in frames:
        clip.add(np.array([labels], np.uint8), np.array([truth], np.uint8))
    # Of two pixels one changes, then of three none.
    assert clip.flicker == pytest.approx(1 / 5)
    assert clip.areas == [[0.5, 0.75, 0.5], [0.5, 0.25, 0.5]]
    assert clip.miou == pytest.approx((6 / 8 + 1 / 3) / 2)


def test_a_single_frame_has_no_flicker() -> None:
    clip = LabelledClip(1, 1)
    clip.add(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    assert math.isnan(clip.flicker)


def test_jumps() -> None:
    found = describe_jumps([0.0, 0.0, 0.001, 0.1, 0.2, 0.41], least_area=0.01)
    # From nothing to something, a hundred times as much, and more than double.
    assert found == {
        "pairs": 5,
        "share": 0.6,
        "pairs_seen": 3,
        "share_of_seen": pytest.approx(2 / 3),
    }
    assert math.isnan(describe_jumps([0.1], 0.01)["share"])
