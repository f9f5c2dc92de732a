"""Windows over a picture: where they lie, what comes of them, and a segmenter that looks so."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.errors import UserError
from runtime.segment.windows import Windows, WindowScores, places, window_starts
from runtime.segment.word_scores import StreamedScores


@pytest.fixture
def segmenter(bundle: Bundle) -> Iterator[Segmenter]:
    with Segmenter.load(bundle, "onnxruntime-cpu") as opened:  # frames of 8 x 6, a grid of 4 x 3
        opened.set_classes("red,green,blue", background="none")
        yield opened


def test_they_cover_every_pixel_and_none_goes_beyond() -> None:
    for side in (3, 4, 5, 6, 11):
        first = window_starts(side, 4, 2)
        covered = {pixel for start in first for pixel in range(start, min(start + 4, side))}
        assert covered == set(range(side))
        assert first[-1] == max(side - 4, 0)
        assert len(first) == len(set(first))
    found = list(places((9, 3), (4, 4), 4))
    assert [(rows.start, rows.stop) for rows, _ in found] == [(0, 3)] * 3
    assert [(columns.start, columns.stop) for _, columns in found] == [(0, 4), (4, 8), (5, 9)]


def test_the_aspect_is_kept_up_to_the_long_side() -> None:
    windows = Windows(short_side=336)
    assert windows.picture_wh((500, 375)) == (448, 336)
    assert windows.picture_wh((1000, 100)) == (2048, 205)


def test_scores_are_the_mean_over_the_windows_that_see_a_pixel() -> None:
    where = tuple(places((6, 4), (4, 4), 2))
    grids = tuple(np.full((1, 2, 2), value, np.float32) for value in (1.0, 3.0))
    scores = WindowScores((6, 4), where, grids)
    assert scores.shape == (1, 4, 6)
    assert scores.row(0)[0].tolist() == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(np.asarray(scores)[0], scores.row(0))
    np.testing.assert_array_equal(scores[:, 1:3], np.asarray(scores)[:, 1:3])


def test_the_mean_of_scores_of_very_many_words() -> None:
    draw = np.random.default_rng(0)
    text = draw.random((7, 3)).astype(np.float32)
    where = tuple(places((6, 4), (4, 4), 2))
    streamed = [StreamedScores(draw.random((3, 2, 2)).astype(np.float32), text) for _ in where]
    dense = WindowScores((6, 4), where, tuple(map(np.asarray, streamed)))
    found = WindowScores((6, 4), where, tuple(streamed))
    np.testing.assert_allclose(np.asarray(found), np.asarray(dense), atol=1e-6)


def test_a_segmenter_sees_each_window_by_itself(segmenter: Segmenter) -> None:
    frame = np.random.default_rng(2).integers(0, 255, (12, 16, 3), np.uint8)
    segmenter.units = "pixel"
    whole = segmenter(frame)
    segmenter.windows = Windows(stride=6)  # across, the windows overlap by two pixels
    result = segmenter(frame)
    assert result.grid_scores.shape == (3, 12, 16) and result.units is None
    segmenter.windows = None
    left = segmenter(np.ascontiguousarray(frame[:6, :8])).grid_scores
    expected = np.stack([cv2.resize(row, (8, 6)) for row in np.asarray(left)])
    # Of its eight columns the next window sees the last two.
    np.testing.assert_allclose(
        np.asarray(result.grid_scores)[:, :6, :6], expected[:, :, :6], atol=1e-6
    )
    assert (segmenter(frame).labels == whole.labels).all()


def test_a_picture_smaller_than_a_window_is_stretched(segmenter: Segmenter) -> None:
    frame = np.random.default_rng(2).integers(0, 255, (3, 4, 3), np.uint8)
    labels = segmenter(frame).labels
    segmenter.windows = Windows(stride=4)
    assert segmenter(frame).labels.shape == labels.shape
    assert (segmenter(frame).labels == labels).mean() > 0.5


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        (Windows(stride=7), "stride of 7 pixels; expected 1 to 6.*windows are 8x6"),
        (Windows(short_side=4096), "short side of 4096; expected 1 to 2048"),
    ],
)
def test_windows_that_cannot_be(segmenter: Segmenter, windows: Windows, says: str) -> None:
    with pytest.raises(UserError, match=says):
        segmenter.windows = windows
    assert segmenter.windows is None
