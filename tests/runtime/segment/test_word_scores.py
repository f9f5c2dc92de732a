"""Many words: the same answers, and memory that their number does not decide."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.segment import model as model_module
from runtime.segment.labelling import label_pixels
from runtime.segment.result import Result
from runtime.segment.word_scores import BAND_BYTES, FEW_WORDS, StreamedScores, bands, most_rows


def streamed(words: int, width: int, grid_hw: tuple[int, int]) -> StreamedScores:
    """Smooth embeddings of unit length, and random words of unit length."""
    generator = np.random.default_rng(words)
    maps = generator.standard_normal((width, *grid_hw)).astype(np.float32)
    maps = np.stack([cv2.GaussianBlur(one, (0, 0), 2.0) for one in maps])
    text = generator.standard_normal((words, width)).astype(np.float32)
    maps /= np.linalg.norm(maps, axis=0)
    return StreamedScores(maps, text / np.linalg.norm(text, axis=1, keepdims=True))


def test_scores_are_products_of_words_and_embeddings() -> None:
    scores = StreamedScores(
        np.array([[[1.0, 2.0], [0.0, 4.0]], [[5.0, 6.0], [7.0, 0.0]]], np.float32),
        np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32),
    )
    assert scores.shape == (3, 2, 2)
    assert scores[:, 1:2].tolist() == [[[0, 4]], [[7, 0]], [[3.5, 2]]]
    assert np.asarray(scores)[2].tolist() == [[3, 4], [3.5, 2]]


def test_bands_cover_the_grid_under_the_bound() -> None:
    for words, height, width, overlap in ((1024, 112, 112, 1), (1024, 112, 112, 0), (9, 1, 7, 1)):
        found = list(bands((words, height, width), overlap))
        assert found[0][0] == 0 and found[-1][1] == height
        for (_, last), (first, _) in itertools.pairwise(found):
            assert first == last - overlap
        assert all((last - first) * words * width * 4 <= BAND_BYTES for first, last in found)
    # So many words that two lines are over the bound: two lines all the same, cells need both.
    assert list(bands((10**6, 3, 4), overlap=1)) == [(0, 2), (1, 3)]


@pytest.mark.parametrize("threshold", [0.0, 0.004])
def test_labels_are_those_of_all_scores_at_once(threshold: float, monkeypatch: Any) -> None:
    scores = streamed(300, 24, (20, 28))
    label_of_row = np.arange(300).clip(max=255).astype(np.uint8)
    wanted = {"logit_scale": 20.0, "threshold": threshold}
    dense = label_pixels(np.asarray(scores), label_of_row, (131, 97), **wanted)
    monkeypatch.setattr("runtime.segment.word_scores.BAND_BYTES", 3 * 300 * 28 * 4)
    assert len(list(bands(scores.shape, overlap=1))) == 10
    found = label_pixels(scores, label_of_row, (131, 97), **wanted)
    assert (found == dense).mean() > 0.9999
    assert 0.02 < (found == 255).mean() < 0.98 if threshold else len(np.unique(found)) > 20


def test_sureness_is_that_of_all_scores_at_once() -> None:
    scores = streamed(2000, 24, (20, 28))
    assert len(list(bands(scores.shape))) > 1
    rows = (np.arange(2000) % 5).astype(np.uint8)

    def sureness(values: Any) -> dict[str, float]:
        names = ("a", "b", "c", "d", "e")
        return Result(np.zeros((2, 2), np.uint8), names, None, {}, values, rows, (), 20.0).scores

    every = np.asarray(scores)
    chances = np.exp(20 * every) / np.exp(20 * every).sum(axis=0)
    winner = every.argmax(axis=0)
    best = np.take_along_axis(chances, winner[None], axis=0)[0]
    expected = {name: best[winner % 5 == index].mean() for index, name in enumerate("abcde")}
    assert sureness(scores) == pytest.approx(expected, abs=1e-5)


def test_the_graph_sees_an_identity_and_the_labels_are_the_same(
    make_bundle: Callable[..., Bundle], monkeypatch: Any
) -> None:
    words = [f"w{number}" for number in range(FEW_WORDS + 60)]
    frame = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    with Segmenter.load(make_bundle(), backend="onnxruntime-cpu", threads=1) as opened:
        rows_seen: list[int] = []
        run = opened.backend.run

        def spy(feeds: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> Any:
            rows_seen.append(len(feeds["text"]))
            return run(feeds, names)

        monkeypatch.setattr(opened.backend, "run", spy)
        opened.set_classes(words, background="none", allow_unknown=True)
        prepared = opened.preprocess(frame)
        few = opened.infer(prepared, "both")
        monkeypatch.setattr(model_module, "most_rows", lambda width: 10**6)
        all_at_once = opened.infer(prepared, "both")
        assert rows_seen == [3, len(words)]
        for name in ("class_scores", "pixel_scores"):
            np.testing.assert_allclose(
                np.asarray(getattr(few, name)), getattr(all_at_once, name), atol=1e-6
            )
        np.testing.assert_array_equal(few.unit_of_pixel, all_at_once.unit_of_pixel)
        labels = [opened.postprocess(raw, units="pixel").labels for raw in (few, all_at_once)]
        assert (labels[0] == labels[1]).mean() > 0.999


def test_few_words_go_into_the_graph_themselves() -> None:
    assert most_rows(3) == FEW_WORDS
    assert most_rows(512) == 512


def test_memory_is_the_same_for_four_times_the_words() -> None:
    def peak(words: int) -> int:
        scores = streamed(words, 64, (64, 64))
        label_of_row = np.arange(words).clip(max=255).astype(np.uint8)
        tracemalloc.start()
        label_pixels(scores, label_of_row, (128, 128))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    some, many = peak(512), peak(2048)
    # All scores of 2048 words at once would take 34 MB, and their copies several times that.
    assert many < 12 * BAND_BYTES
    assert many < 1.25 * some
