"""What a frame's pre- and postprocessing allocates once the first frames have been through.

numpy tells tracemalloc of every array's memory, so this sees arrays and Python's own objects, and
not what OpenCV takes inside a call.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.segment.decision import Decision, label_as_decided
from runtime.segment.labelling import label_pixels
from tests.support.pictures import BLUE, RED, picture

LABELS_OF_ROW = np.array([*range(12), *[255] * 8], np.uint8)


def drawn_scores(count: int) -> list[np.ndarray]:
    """Smooth scores (20, 54, 72) that differ from frame to frame, as a camera's do."""
    rng = np.random.default_rng(1)
    coarse = rng.standard_normal((count, 20, 9, 12)).astype(np.float32)
    return [
        np.stack([cv2.resize(row, (72, 54), interpolation=cv2.INTER_CUBIC) for row in one])
        for one in coarse
    ]


def traced(work: Callable[[], object]) -> tuple[int, int]:
    """Bytes that are left when ``work`` is done and its result is gone, and the most during it."""
    gc.collect()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1]
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before, peak - before


@pytest.fixture
def tracing() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.slow
def test_labelling_keeps_nothing_and_takes_little_beside_the_labels(tracing: None) -> None:
    frames = drawn_scores(7)
    for size_wh in ((1280, 720), (640, 480)):
        for scores in frames[:4]:
            label_pixels(scores, LABELS_OF_ROW, size_wh)
    for size_wh in ((1280, 720), (640, 480)):
        for scores in frames[4:]:
            kept, peak = traced(lambda s=scores, wh=size_wh: label_pixels(s, LABELS_OF_ROW, wh))
            # The labels are the caller's; else there are lists of the cells at edges of classes.
            assert peak - size_wh[0] * size_wh[1] < 1 << 20
            assert kept < 4096


@pytest.mark.slow
def test_words_that_step_back_are_not_copied(tracing: None) -> None:
    *first, last = drawn_scores(4)
    peaks = {}
    for presence in (0.0, 1.0):
        decision = Decision(20.0, presence=presence)
        for scores in first:
            label_as_decided(scores, LABELS_OF_ROW, (640, 480), decision)
        peaks[presence] = traced(
            lambda how=decision: label_as_decided(last, LABELS_OF_ROW, (640, 480), how)
        )[1]
    assert peaks[1.0] - peaks[0.0] < last.nbytes / 2, peaks


def test_preprocessing_takes_the_tensor_and_copies_no_frame(bundle: Bundle, tracing: None) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        frame = np.zeros((720, 1280, 3), np.uint8)
        frames = [frame, frame[::2, ::2], frame[:, ::-1]]
        for one in frames:
            segmenter.preprocess(one)
        kept, peak = traced(lambda: segmenter.preprocess(frame))
        width, height = segmenter.manifest.input.size_wh
        assert kept < 1024 and peak < 3 * width * height + 4096


def test_a_hundred_frames_leave_nothing_behind(bundle: Bundle, tracing: None) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("red,blue", background="none")
        frames = [picture(RED, BLUE), picture(BLUE, RED)]

        def run(count: int) -> None:
            for index in range(count):
                assert segmenter(frames[index % 2]).areas["red"] == 0.5

        run(10)
        kept, _ = traced(lambda: run(100))
        assert kept < 1 << 16  # one frame's labels are 4800 bytes; Python's free lists fill up
