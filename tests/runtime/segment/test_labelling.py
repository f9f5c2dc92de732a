from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from runtime.segment.labelling import label_pixels, probabilities


def plain_labels(
    scores: np.ndarray,
    label_of_row: np.ndarray,
    size_wh: tuple[int, int],
    logit_scale: float = 1.0,
    threshold: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The definition, literally and in float64; also by how much the best label leads."""

    def weights(size: int, grid: int) -> np.ndarray:
        table = np.zeros((size, grid))
        for place in range(size):
            centre = min(max((place + 0.5) * grid / size - 0.5, 0.0), grid - 1)
            low = int(centre)
            table[place, low] += 1 - (centre - low)
            table[place, min(low + 1, grid - 1)] += centre - low
        return table

    width, height = size_wh
    down, across = weights(height, scores.shape[1]), weights(width, scores.shape[2])
    up = np.einsum("yh,khw,xw->kyx", down, scores.astype(np.float64), across, optimize=True)
    labels = np.unique(label_of_row)
    grouped = np.stack([up[label_of_row == label].max(axis=0) for label in labels])
    result = labels[grouped.argmax(axis=0)].astype(np.uint8)
    chances = np.einsum(
        "yh,khw,xw->kyx",
        down,
        probabilities(scores, logit_scale).astype(np.float64),
        across,
        optimize=True,
    )
    winner = up.argmax(axis=0)
    chance = np.take_along_axis(chances, winner[None], axis=0)[0]
    lead = np.sort(up, axis=0)
    clear = (lead[-1] - lead[-2] if len(up) > 1 else np.ones_like(lead[-1])) > 1e-5
    clear &= np.abs(chance - threshold) > 1e-5
    return np.where(chance < threshold, 255, result), clear


def smooth_scores(seed: int, rows: int, grid_hw: tuple[int, int], blur: float) -> np.ndarray:
    scores = np.random.default_rng(seed).standard_normal((rows, *grid_hw)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(score, (0, 0), blur) for score in scores])


@pytest.mark.parametrize(
    ("rows", "grid_hw", "size_wh"),
    [
        (2, (3, 4), (8, 6)),
        (7, (9, 12), (97, 61)),
        (12, (24, 32), (320, 181)),
        (5, (30, 40), (16, 12)),  # a source smaller than the grid
        (5, (6, 8), (8, 6)),  # the same size
        (4, (1, 5), (33, 20)),
        (4, (5, 1), (33, 20)),
        (3, (1, 1), (5, 4)),
        (1, (4, 4), (9, 9)),
        (6, (7, 5), (1, 1)),
    ],
)
@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_equals_the_definition(
    rows: int, grid_hw: tuple[int, int], size_wh: tuple[int, int], threshold: float
) -> None:
    for seed in range(4):
        scores = smooth_scores(seed, rows, grid_hw, 1.5 if min(grid_hw) > 2 else 0.3)
        label_of_row = np.array([0, 1, 1, 2, 255, 255, 255, 3, 4, 5, 5, 255], np.uint8)[:rows]
        found = label_pixels(scores, label_of_row, size_wh, logit_scale=3.0, threshold=threshold)
        expected, clear = plain_labels(scores, label_of_row, size_wh, 3.0, threshold)
        assert found.shape == (size_wh[1], size_wh[0]) and found.dtype == np.uint8
        assert clear.mean() > 0.99
        np.testing.assert_array_equal(found[clear], expected[clear])


def test_equals_torch_and_is_not_max_first() -> None:
    torch = pytest.importorskip("torch")
    scores = smooth_scores(9, 6, (18, 24), 1.5)
    label_of_row = np.array([0, 1, 2, 255, 255, 255], np.uint8)

    def upsample(rows: np.ndarray) -> np.ndarray:
        tensor = torch.from_numpy(rows)[None]
        return torch.nn.functional.interpolate(
            tensor, size=(135, 240), mode="bilinear", align_corners=False
        )[0].numpy()

    found = label_pixels(scores, label_of_row, (240, 135))
    wanted = label_of_row[upsample(scores).argmax(axis=0)]
    assert (found == wanted).mean() > 0.9999
    merged = np.concatenate([scores[:3], scores[3:].max(axis=0, keepdims=True)])
    max_first = np.array([0, 1, 2, 255], np.uint8)[upsample(merged).argmax(axis=0)]
    assert (found == max_first).mean() < 0.999  # the shortcut that is not taken


def test_by_hand() -> None:
    # One row falls from 1 to 0 between two grid columns, the other is 0.4 everywhere. Columns of
    # eight sit at -.375, -.125, .125 ... 1.375 of the grid: the fall meets 0.4 at 0.6.
    scores = np.array([[[1.0, 0.0]], [[0.4, 0.4]]], dtype=np.float32)
    rows = np.array([0, 255], dtype=np.uint8)
    assert label_pixels(scores, rows, (8, 1)).tolist() == [[0, 0, 0, 0, 255, 255, 255, 255]]
    # With logits of scale 2 the left end has probability 1 / (1 + e^-1.2) = 0.769, the right end
    # (of the other row) 1 / (1 + e^-0.8) = 0.690; they mix in between.
    kept = label_pixels(scores, rows, (8, 1), logit_scale=2.0, threshold=0.7)
    assert kept.tolist() == [[0, 0, 0, 255, 255, 255, 255, 255]]


def test_a_tie_goes_to_the_first() -> None:
    scores = np.full((3, 2, 2), 0.5, dtype=np.float32)
    assert (label_pixels(scores, np.array([1, 0, 255], np.uint8), (9, 9)) == 1).all()


def test_probabilities_by_hand() -> None:
    scores = np.log(np.array([[[1.0]], [[3.0]]], dtype=np.float32))
    np.testing.assert_allclose(probabilities(scores, 1.0).ravel(), [0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(probabilities(scores, 2.0).ravel(), [0.1, 0.9], atol=1e-6)
    assert np.isfinite(probabilities(scores * 1e4, 100.0)).all()


def test_memory_stays_far_under_a_row_of_scores_each() -> None:
    scores = smooth_scores(1, 40, (36, 48), 2.0)
    label_of_row = np.arange(40, dtype=np.uint8)
    tracemalloc.start()
    label_pixels(scores, label_of_row, (1920, 1080))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Upsampling every row would take 332 MB; the labels themselves take 2.
    assert peak < 12e6
