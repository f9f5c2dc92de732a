from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from runtime.draw.palette import palette
from runtime.errors import UserError
from runtime.segment.result import Result


@pytest.fixture
def result() -> Result:
    labels = np.full((6, 8), 255, dtype=np.uint8)
    labels[:, :2] = 0
    labels[:3, 2:4] = 1
    # Two words of "car", then "sky", then a background word, on a grid of 1 x 2.
    scores = np.log(np.array([[[0.5, 0.1]], [[0.2, 0.2]], [[0.2, 0.1]], [[0.1, 0.6]]], np.float32))
    return Result(
        labels=labels,
        class_names=("car", "sky"),
        units=None,
        latency_ms={},
        grid_scores=scores,
        label_of_row=np.array([0, 0, 1, 255], dtype=np.uint8),
        words=("car", "van", "sky", "wall"),
        logit_scale=1.0,
    )


def test_areas_are_shares_of_all_pixels(result: Result) -> None:
    assert result.areas == {"car": 12 / 48, "sky": 6 / 48}


def test_scores_are_mean_probabilities_where_a_class_wins(result: Result) -> None:
    assert result.scores == {"car": pytest.approx(0.5), "sky": 0.0}


def test_mask_and_rle(result: Result) -> None:
    assert result.mask("sky").sum() == 6
    assert result.rle("car") == {"size": [6, 8], "counts": "0<T1"}
    with pytest.raises(UserError) as caught:
        result.mask("van")
    assert str(caught.value) == "'van' is not one of the classes; expected one of car, sky"


def test_png_is_8_bit_greyscale(result: Result) -> None:
    data = result.to_labels_png()
    # IHDR: width 8, height 6, bit depth 8, color type 0 (greyscale)
    assert data[16:26] == b"\x00\x00\x00\x08\x00\x00\x00\x06\x08\x00"
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(back, result.labels)


def test_draw_colors_classes_and_leaves_the_rest(result: Result) -> None:
    frame = np.full((6, 8, 3), 100, dtype=np.uint8)
    drawn = result.draw(frame, opacity=0.5)
    assert (frame == 100).all() and drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[result.labels == 255], 100)
    expected = (palette()[0].astype(float) + 100) / 2
    assert np.abs(drawn[0, 0].astype(float) - expected).max() <= 1
    np.testing.assert_array_equal(result.draw(frame, opacity=0.0), frame)
    with pytest.raises(UserError) as caught:
        result.draw(np.zeros((8, 6, 3), np.uint8))
    assert str(caught.value) == (
        "the frame to draw on has shape (8, 6, 3), expected (6, 8, 3); "
        "give the frame that was segmented"
    )


def test_the_legend_is_drawn_where_it_is_wanted(result: Result) -> None:
    big = replace(result, labels=np.ones((360, 640), np.uint8))
    frame = np.full((360, 640, 3), 128, dtype=np.uint8)
    changed = (big.draw(frame) != big.draw(frame, legend=False)).any(axis=2)
    assert changed[:20, :60].any() and not changed[40:].any()
