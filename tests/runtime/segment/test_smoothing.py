"""Smoothed scores: what a mean over time may do to masks, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from runtime import Model, Segmenter
from runtime.bundle import Bundle
from runtime.segment.labelling import label_pixels
from runtime.segment.smoothing import FORGOTTEN_AFTER, TIME_CONSTANT_S, TemporalSmoother
from runtime.segment.still import StillGate
from runtime.segment.word_scores import StreamedScores
from tests.runtime.segment.test_memory_per_frame import drawn_scores, traced
from tests.support.pictures import BLUE, RED, picture
from tests.support.score_stream import (
    ELSEWHERE,
    FPS,
    GRID_HW,
    STREET,
    TWO,
    ScoreStream,
    asked,
    noisy_scores,
    scores_of,
    textured,
    with_thing,
)

RNG = np.random.default_rng(5)


def test_a_scene_that_stands_keeps_its_scores_to_the_bit() -> None:
    stream, scores = ScoreStream(), noisy_scores(1)
    for _ in range(5):
        assert stream.show(scores, STREET).tobytes() == scores.tobytes()


def test_another_score_is_reached_as_the_time_constant_says() -> None:
    stream = ScoreStream(seconds=0.5)
    stream.show(np.zeros((2, *GRID_HW), np.float32), STREET)
    shown = [stream.show(np.ones((2, *GRID_HW), np.float32), STREET) for _ in range(60)]
    for index, scores in enumerate(shown):
        np.testing.assert_allclose(scores, 1 - np.exp(-(index + 1) / FPS / 0.5), atol=1e-5)


def test_the_clock_counts_and_not_the_frames() -> None:
    one, other = ScoreStream(), ScoreStream()
    for stream in (one, other):
        stream.show(np.zeros((2, *GRID_HW), np.float32), STREET)
    ones = np.ones((2, *GRID_HW), np.float32)
    for _ in range(4):
        often = one.show(ones, STREET, 0.05)
    np.testing.assert_allclose(often, other.show(ones, STREET, 0.2), atol=1e-5)


def test_noise_in_scores_flickers_less_than_half() -> None:
    stream = ScoreStream()
    truth = np.zeros(GRID_HW, bool)
    truth[:, 36:] = True
    before: list[np.ndarray] = []
    after: list[np.ndarray] = []
    for index in range(30):
        raw = scores_of(truth, 0.1) + 0.1 * noisy_scores(index)
        before.append(raw.argmax(axis=0))
        # Sensor noise, as a camera has it, must not look like movement.
        image = STREET.astype(np.int16) + RNG.integers(-4, 5, STREET.shape)
        after.append(stream.show(raw, image.clip(0, 255).astype(np.uint8)).argmax(axis=0))
    changes = [np.mean([(a != b).mean() for a, b in pairwise(x)])
               for x in (before, after)]  # fmt: skip
    assert changes[1] < 0.5 * changes[0]
    assert (after[-1] != truth).mean() < 0.5 * (before[-1] != truth).mean()


def test_a_cut_begins_anew() -> None:
    stream = ScoreStream()
    for _ in range(5):
        stream.show(noisy_scores(1), STREET)
    scores = noisy_scores(2)
    assert stream.show(scores, ELSEWHERE).tobytes() == scores.tobytes()


@pytest.mark.parametrize("step", [0, 4, 8, 16])
def test_what_moves_has_no_trail(step: int) -> None:
    """Beyond the cells next to its edge, two cells at most are wrong, for three frames at most."""
    stream = ScoreStream()
    wrong: list[np.ndarray] = []
    for index in range(12):
        image, thing = with_thing(8 + step * index)
        labels = stream.show(scores_of(thing), image).argmax(axis=0)
        near, inner = (
            change(thing.astype(np.uint8), np.ones((3, 3))) > 0
            for change in (cv2.dilate, cv2.erode)
        )
        wrong.append((labels == 1) & ~near | (labels == 0) & inner)
        assert wrong[-1].sum() <= 2
        assert not np.logical_and.reduce(wrong[-4:]).any() or len(wrong) < 4


def test_what_is_gone_is_gone_at_once_and_the_rest_keeps_its_past() -> None:
    stream = ScoreStream(seconds=10.0)
    image, thing = with_thing(100)
    for _ in range(5):
        stream.show(scores_of(thing), image)
    after = stream.show(scores_of(np.ones(GRID_HW, bool)), STREET)
    inner = cv2.erode(thing.astype(np.uint8), np.ones((5, 5))) > 0
    far = cv2.dilate(thing.astype(np.uint8), np.ones((7, 7))) == 0
    assert (after[1] > after[0])[inner].all()  # its place counts fully
    assert (after[0] > after[1])[far].all()  # a single frame changes little elsewhere


def test_a_picture_that_pans_carries_its_past_along() -> None:
    stream = ScoreStream(seconds=10.0)
    wide = textured(11, (216, 400))
    truth = np.arange(400)[None, :].repeat(216, axis=0) // 40 % 2 == 0  # stripes of 10 cells
    for index in range(12):
        left = 4 * index
        cells = truth[2::4, left + 2 : left + 288 : 4]
        # From the second frame on the graph sees nothing at all.
        scores = scores_of(cells) if index == 0 else np.zeros((2, *GRID_HW), np.float32)
        image = np.ascontiguousarray(wide[:, left : left + 288])
        found = stream.show(scores, image).argmax(axis=0) == 1
        inside = (slice(2, -2), slice(2, -2 - index))
        assert (found == cells)[inside].mean() > 0.9


def test_other_words_begin_anew() -> None:
    stream = ScoreStream()
    stream.show(noisy_scores(1), STREET)
    stream.queries = replace(TWO)
    scores = noisy_scores(2)
    assert stream.show(scores, STREET).tobytes() == scores.tobytes()


@pytest.mark.parametrize("step_s", [-1.0, FORGOTTEN_AFTER * TIME_CONSTANT_S + 0.01, 1e9])
def test_a_clock_that_goes_back_or_jumps_begins_anew(step_s: float) -> None:
    stream = ScoreStream()
    stream.show(noisy_scores(1), STREET)
    scores = noisy_scores(2)
    assert stream.show(scores, STREET, step_s).tobytes() == scores.tobytes()


def test_frames_without_a_time_are_smoothed_as_well() -> None:
    stream = ScoreStream()
    stream.time_s = None
    stream.show(np.zeros((2, *GRID_HW), np.float32), STREET)
    scores = stream.show(np.ones((2, *GRID_HW), np.float32), STREET)
    assert 0 < scores.min() and scores.max() < 0.5


@pytest.mark.parametrize("at", [1, 4])
def test_another_smoother_goes_on_to_the_bit(at: int) -> None:
    """Also across a cut, and with a small class to keep: what an archive's pieces rest on."""
    queries = asked([0, 1, 255])
    unbroken, first, second = ScoreStream(queries), ScoreStream(queries), ScoreStream(queries)
    for index in range(9):
        image = ELSEWHERE if index == 6 else with_thing(8 + 8 * index)[0]
        scores = noisy_scores(index, 3)
        expected = unbroken.show(scores, image)
        if index == at:
            state = {name: one.copy() for name, one in first.smoother.state().items()}
            first.show(np.zeros_like(scores), ELSEWHERE)  # what the first does now is its own
            second.smoother.resume(state, queries)
            second.time_s = unbroken.time_s
            assert second.time_s is not None
            second.time_s -= 1 / FPS
        found = (first if index < at else second).show(scores, image)
        assert found.tobytes() == expected.tobytes()


def test_streamed_scores_are_those_of_their_smoothed_embeddings() -> None:
    text = RNG.standard_normal((300, 8)).astype(np.float32)
    queries = asked([255] * 300)  # all of them background: no small class to look after
    streamed, plain = ScoreStream(queries), ScoreStream(queries)
    for index in range(5):
        image, _ = with_thing(8 + 8 * index)
        scores = StreamedScores(noisy_scores(index, 8), text)
        shown = streamed.raw(scores, image).class_scores
        assert isinstance(shown, StreamedScores) and shown.text is text
        np.testing.assert_allclose(
            np.asarray(shown), plain.show(np.asarray(scores), image), atol=1e-4
        )


def test_scores_that_are_no_numbers_are_not_remembered() -> None:
    stream = ScoreStream()
    scores = noisy_scores(1)
    stream.show(scores, STREET)
    stream.show(np.full_like(scores, np.nan), STREET)
    assert np.isfinite(stream.show(scores, STREET)).all()


def test_what_was_given_is_never_written_to_again() -> None:
    stream = ScoreStream()
    given = [stream.show(noisy_scores(index), with_thing(8 * index)[0]) for index in range(4)]
    copies = [one.copy() for one in given]
    raw = noisy_scores(9)
    before = raw.copy()
    stream.show(raw, STREET)
    for one, copy in zip([*given, raw], [*copies, before], strict=True):
        np.testing.assert_array_equal(one, copy)


@pytest.mark.parametrize(
    ("image_hw", "grid_hw"),
    [((1, 1), (1, 1)), ((7, 9), (3, 2)), ((16, 900), (2, 100)), ((31, 2000), (4, 100)),
     ((32, 2000), (4, 100)), ((900, 16), (40, 2)), ((64, 64), (64, 64)), ((33, 40), (90, 70))],
)  # fmt: skip
def test_pictures_and_grids_of_any_shape(
    image_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> None:
    stream = ScoreStream()
    for _ in range(4):
        image = RNG.integers(0, 256, (*image_hw, 3), dtype=np.uint8)
        scores = RNG.standard_normal((2, *grid_hw)).astype(np.float32)
        assert np.isfinite(stream.show(scores, image)).all()


def test_the_threads_of_opencv_change_no_score() -> None:
    threads = cv2.getNumThreads()
    found = []
    try:
        for count in (1, 3):
            cv2.setNumThreads(count)
            stream = ScoreStream()
            found.append(
                [stream.show(noisy_scores(i), with_thing(8 + 6 * i)[0]).tobytes() for i in range(4)]
            )
    finally:
        cv2.setNumThreads(threads)
    assert found[0] == found[1]


def test_labels_at_source_size_are_those_of_the_interpolated_smoothed_scores() -> None:
    labels = [*range(12), *[255] * 8]
    stream = ScoreStream(asked(labels))
    for index, scores in enumerate(drawn_scores(4)):
        shown = stream.show(scores, with_thing(8 + 8 * index)[0])
    size_wh = (640, 480)
    wide = np.stack([cv2.resize(row, size_wh, interpolation=cv2.INTER_LINEAR) for row in shown])
    expected = np.array(labels, np.uint8)[wide.argmax(axis=0)]
    found = label_pixels(shown, np.array(labels, np.uint8), size_wh)
    assert (found == expected).mean() >= 0.995


@pytest.mark.slow
def test_nothing_is_kept_and_only_the_scores_are_given(tracing: None) -> None:
    stream = ScoreStream(asked([*range(12), *[255] * 8]))
    frames = drawn_scores(8)
    images = [with_thing(8 + 8 * index)[0] for index in range(8)]
    for scores, image in zip(frames[:4], images, strict=False):
        stream.show(scores, image)
    kept_before, largest = 0, 0
    for scores, image in zip(frames[4:], images[4:], strict=True):
        kept, peak = traced(partial(stream.show, scores, image))
        kept_before, largest = kept_before + kept, max(largest, peak)
    # The scores are the result's own; cells of small classes and a few small arrays come and go.
    assert largest < frames[0].nbytes + (1 << 18)
    assert kept_before < 8192


@pytest.fixture
def tracing() -> Iterator[None]:
    import tracemalloc

    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.fixture
def model(bundle: Bundle) -> Iterator[Model]:
    with Model.load(bundle, "onnxruntime-cpu", threads=1) as opened:
        yield opened


@pytest.mark.parametrize("units", ["adaptive", "pixel"])
def test_in_a_segmenter(model: Model, units: Any) -> None:
    segmenter = Segmenter(model, smoother=TemporalSmoother())
    segmenter.units = units
    segmenter.set_classes("red,blue", background="none")
    frames = [picture(RED, BLUE), picture(RED, BLUE), picture(BLUE, RED)]
    for index, frame in enumerate(frames):
        labels = segmenter(frame, index / FPS).labels
        left = 0 if index < 2 else 1  # all of the picture has changed
        assert (labels[:, :40] == left).all() and (labels[:, 40:] == 1 - left).all()


def test_a_spared_frame_keeps_scores_and_labels(model: Model) -> None:
    segmenter = Segmenter(model, motion_gate=StillGate(), smoother=TemporalSmoother())
    segmenter.set_classes("red,blue", background="none")
    results = [segmenter(picture(RED, BLUE), index / FPS) for index in range(4)]
    assert [one.spared for one in results] == [False, True, True, True]
    assert all(one.grid_scores is results[0].grid_scores for one in results)
    assert all((one.labels == results[0].labels).all() for one in results)
