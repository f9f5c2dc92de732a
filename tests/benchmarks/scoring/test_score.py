"""Scoring and its controls, with predictors whose figures are known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.controls import mean_map_predictor, permute_words
from benchmarks.scoring.score import Kind, compare_units
from benchmarks.scoring.tally import score_set

LEFT = np.array([[0, 0, 1, 1]] * 4, np.uint8)
RIGHT = np.array([[1, 1, 0, 0]] * 4, np.uint8)
UNKNOWN = np.array([[0, 255, 11, 1]] * 4, np.uint8)


def _set_of(*truths: np.ndarray) -> EvaluationSet:
    """Frames whose pixels are their own truth, so that a predictor can read the answer."""

    def open_frames() -> Iterator[EvaluationFrame]:
        for index, labels_hw in enumerate(truths):
            yield EvaluationFrame(str(index), np.stack([labels_hw] * 3, axis=2), labels_hw)

    return EvaluationSet("made", ("left", "right"), len(truths), open_frames)


def _perfect(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
    return {kind: frame_bgr[:, :, 0] for kind in units}


def _half_for_pixels(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
    return {
        kind: frame_bgr[:, :, 0] if kind == "adaptive" else np.zeros_like(frame_bgr[:, :, 0])
        for kind in units
    }


def test_a_perfect_predictor_scores_one_and_unknown_truth_does_not_count():
    record = score_set(_perfect, _set_of(LEFT, UNKNOWN), ["adaptive"])["adaptive"].to_record()
    assert record["miou"] == 1.0
    assert record["iou"] == {"left": 1.0, "right": 1.0}
    assert record["miou_ci95"] == [1.0, 1.0]
    assert record["pixel_accuracy"] == 1.0
    assert record["boundary_f"] == 1.0


def test_units_are_scored_on_the_same_frames_and_compared_in_pairs():
    scores = score_set(_half_for_pixels, _set_of(LEFT, RIGHT), ["adaptive", "pixel"])
    assert scores["adaptive"].miou == 1.0
    # always "left": IoU 1/2 for left (8 of 16 pixels), 0 for right
    assert scores["pixel"].miou == pytest.approx(0.25)
    gain = compare_units(scores)
    assert gain["miou_gain"] == pytest.approx(0.75)
    assert gain["miou_gain_ci95"] == pytest.approx([0.75, 0.75])


def test_a_pixel_called_none_counts_against_its_class():
    def none_at_all(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        return {kind: np.full(frame_bgr.shape[:2], 255, np.uint8) for kind in units}

    assert score_set(none_at_all, _set_of(LEFT), ["pixel"])["pixel"].miou == 0.0


def test_the_mean_map_does_not_see_the_frame():
    frames = _set_of(LEFT, LEFT, LEFT, RIGHT)
    predict = mean_map_predictor(_perfect, frames, ["adaptive"])
    for frame in frames.open():
        assert (predict(frame.frame_bgr, ["adaptive"])["adaptive"] == LEFT).all()
    # 3 frames of 4 right: of 32 pixels of each class 24 hits, 8 missed, 8 wrong
    assert score_set(predict, frames, ["adaptive"])["adaptive"].miou == pytest.approx(24 / 40)


def test_the_mean_map_keeps_a_place_that_was_mostly_none_among_the_classes():
    def mostly_none(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        labels_hw = frame_bgr[:, :, 0].copy()
        labels_hw[0] = 255
        return {kind: labels_hw for kind in units}

    frames = _set_of(RIGHT)
    predict = mean_map_predictor(mostly_none, frames, ["adaptive"])
    found = predict(next(iter(frames.open())).frame_bgr, ["adaptive"])["adaptive"]
    assert found[0].tolist() == [0, 0, 0, 0]  # no vote at all: the first class
    assert (found[1:] == RIGHT[1:]).all()


@pytest.mark.parametrize("count", [2, 3, 11, 20])
def test_permuted_words_leave_none_in_its_place(count: int):
    words = [f"word {i}" for i in range(count)]
    for seed in range(20):
        other = permute_words(words, seed)
        assert sorted(other) == sorted(words)
        assert all(a != b for a, b in zip(words, other, strict=True))
    assert permute_words(words, 3) == permute_words(words, 3)
