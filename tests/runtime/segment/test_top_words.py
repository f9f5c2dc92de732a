"""The top words of units and pixels: those of all scores at once, without ever holding these."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError
from runtime.segment.frames import FrameEmbeddings
from runtime.segment.nearest_words import find_nearest_words
from runtime.segment.top_words import choose_top_words
from runtime.text.word_list import WordList
from tests.support.bundle import NAMES


@pytest.fixture
def segmenter(bundle: Bundle) -> Any:
    with Segmenter.load(bundle, backend="onnxruntime-cpu", threads=1) as opened:
        yield opened


def red_and_blue() -> np.ndarray:
    """8 x 6: the left half red with a little green, the right half blue."""
    frame = np.zeros((6, 8, 3), np.uint8)
    frame[:, :4], frame[:, 4:] = (0, 60, 255), (255, 0, 0)
    return frame


@pytest.mark.parametrize("count", [1, 5, 64, 100, 500])
def test_they_are_those_of_all_scores_at_once(count: int, monkeypatch: Any) -> None:
    """Whole numbers: exact products, and very many equal ones."""
    monkeypatch.setattr("runtime.segment.nearest_words._WORDS_AT_ONCE", 64)
    monkeypatch.setattr("runtime.segment.nearest_words._PLACES_AT_ONCE", 50)
    generator = np.random.default_rng(0)
    places = generator.integers(-2, 3, (130, 6)).astype(np.float32)
    words = generator.integers(-2, 3, (500, 6)).astype(np.float32)
    every = places @ words.T
    order = np.argsort(-every, axis=1, kind="stable")[:, :count]
    index, scores = find_nearest_words(places, words, count)
    np.testing.assert_array_equal(index, order)
    np.testing.assert_array_equal(scores, np.take_along_axis(every, order, axis=1))


def test_memory_is_a_block_and_the_result() -> None:
    generator = np.random.default_rng(0)
    places = generator.standard_normal((3000, 8), dtype=np.float32)
    words = generator.standard_normal((20_000, 8), dtype=np.float32)
    tracemalloc.start()
    find_nearest_words(places, words, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20 < places.shape[0] * words.shape[0] * 4


def test_units_and_the_pixels_that_belong_to_them(segmenter: Segmenter) -> None:
    top = segmenter.top_words(red_and_blue(), list(NAMES), 2)
    assert top.index.shape == top.scores.shape == (2, 2)
    assert top.index.dtype == np.int32 and top.unit_of_pixel is not None
    assert [name for name, _ in top.at(1, 3)] == ["red", "crimson"]  # the unit is red itself
    assert top.at(7, 0)[0] == ("blue", 1.0)
    assert top.areas == {"red": 0.5, "blue": 0.5}
    assert segmenter.class_names == ()  # no classes were needed, and none are set


@pytest.mark.parametrize("units", ["adaptive", "pixel"])
def test_pixels_have_the_words_of_their_scores(segmenter: Segmenter, units: Any) -> None:
    segmenter.units = units
    frame = np.random.default_rng(2).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    words = segmenter.prepare_words(list(NAMES))
    top = segmenter.top_words(frame, words, 3, per="pixel")
    segmenter.set_classes(list(NAMES), background="none", allow_unknown=True)
    scores = np.asarray(segmenter(frame).grid_scores)
    assert top.index.shape == (3, *scores.shape[1:]) and top.unit_of_pixel is None
    wanted = -np.sort(-scores, axis=0)[:3]
    np.testing.assert_allclose(top.scores, wanted, atol=1e-6)
    chosen = np.take_along_axis(scores, top.index.astype(np.intp), axis=0)
    np.testing.assert_allclose(chosen, wanted, atol=1e-6)
    assert sum(top.areas.values()) == pytest.approx(1.0)


def test_without_words_the_whole_vocabulary_is_asked(segmenter: Segmenter) -> None:
    top = segmenter.top_words(red_and_blue(), k=1)
    assert top.words == tuple(NAMES)
    assert top.at(0, 0)[0][0] == "red"


def test_slots_without_a_pixel_hold_no_word() -> None:
    words = WordList(("a", "b"), np.eye(2, dtype=np.float32))
    values = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    frame = FrameEmbeddings(values, np.array([[0, 2]], np.int32))
    top = choose_top_words(frame, words, 1, (2, 1))
    assert top.index.tolist() == [[0, -1, 1]] and top.scores.tolist() == [[1, 0, 1]]
    assert top.areas == {"a": 0.5, "b": 0.5}


def test_what_cannot_be_asked(segmenter: Segmenter) -> None:
    frame = red_and_blue()
    for k in (0, 7, 1.5, float("nan")):
        with pytest.raises(UserError, match="expected 1 to 6, the number of words"):
            segmenter.top_words(frame, k=k)  # type: ignore[arg-type]
    foreign = replace(segmenter.prepare_words(), encoder_sha256="0" * 64)
    with pytest.raises(UserError, match="another text encoder"):
        segmenter.top_words(frame, foreign)
    with pytest.raises(UserError, match="expected unit or pixel"):
        segmenter.top_words(frame, per="class")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="is not in the frame"):
        segmenter.top_words(frame, k=1).at(8, 0)


@pytest.mark.parametrize(
    ("values", "unit", "says"),
    [(np.nan, 0, "not finite"), (1.0, 3, "units from 3 to 3"), (1.0, -1, "units from -1")],
)
def test_graphs_that_lie(values: float, unit: int, says: str) -> None:
    words = WordList(("a",), np.ones((1, 2), np.float32))
    frame = FrameEmbeddings(np.full((3, 2), values, np.float32), np.full((1, 1), unit, np.int32))
    with pytest.raises(MgcaError, match=says):
        choose_top_words(frame, words, 1, (1, 1))


def test_a_word_list_of_any_length(make_bundle: Callable[..., Bundle], monkeypatch: Any) -> None:
    """More words than an encoder's cache holds, in parts; each row is the word's own."""
    monkeypatch.setattr("runtime.text.word_list._WORDS_AT_ONCE", 7)
    monkeypatch.setattr("runtime.text.embedder.MOST_ENCODED", 5)
    with Segmenter.load(make_bundle(trained_words=None), "onnxruntime-cpu", threads=1) as opened:
        names = [f"word{number}" for number in range(20)]
        words = opened.prepare_words(["Red", "a red", *names, "green"])
        assert words.words == ("Red", *names, "green") and len(words) == 22
        assert not words.text.flags.writeable
        for place in (0, 3, 17, 21):
            own = opened.text_embedder.embed([words.words[place]])[0]
            np.testing.assert_allclose(words.text[place], own, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "the list of words is empty"),
        ("red,green", "expected a list"),
        (["red", " "], "one is empty"),
        (["red", 3], "should be texts"),
        (["x" * 300], "expected at most 32 words and 200 letters"),
        (["red", "xylophone"], "'xylophone' is unknown to this model"),
    ],
)
def test_lists_that_are_none(segmenter: Segmenter, words: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        segmenter.prepare_words(words)
