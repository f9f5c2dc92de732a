"""A bundle with a sentence encoder and an open vocabulary: any name works, slips are told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from runtime.bundle import Bundle, TextInfo, load_bundle
from runtime.errors import BundleError, UserError
from runtime.text.embedder import TextEmbedder
from runtime.text.queries import prepare_queries
from tests.support.bundle import ENCODER_SHA256, color_vocabulary
from tests.support.sentence_folder import tokenizer_json

TEXT = TextInfo(40, ENCODER_SHA256, True, "wordpiece")
NAMES = ("person", "dog", "sky", "tree", "car", "traffic light")


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("mgca"), "propagate", True)  # commands switch it off


@pytest.fixture
def embedder(make_bundle: Callable[..., Bundle]) -> TextEmbedder:
    words = replace(color_vocabulary(), names=NAMES)
    bundle = make_bundle(
        files={"tokenizer.json": tokenizer_json()}, words=words, text=TEXT, trained_words=None,
        background_words=("sky", "tree"),
    )  # fmt: skip
    assert load_bundle(bundle.path).manifest.text.tokenizer == "wordpiece"
    return TextEmbedder(bundle)


def test_a_slip_is_told_once_and_runs(
    embedder: TextEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mgca.words"):
        for _ in range(2):
            queries = prepare_queries(embedder, "persn,dgo,dogs,the car", "auto", False)
        prepare_queries(embedder, "Persn", "skyy", False)
    assert queries.class_names == ("persn", "dgo", "dogs", "the car")
    assert caplog.messages == [
        "class 'persn' is not a word that this model's vocabulary knows; did you mean person?",
        "class 'dgo' is not a word that this model's vocabulary knows; did you mean dog?",
        "class 'skyy' is not a word that this model's vocabulary knows; did you mean sky?",
    ]


def test_rare_words_are_taken_as_they_are(
    embedder: TextEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["zebra crossing", "samoyed", "tuk-tuk", "cars", "bus", "red dog"]
    queries = prepare_queries(embedder, names, "auto", False)
    assert queries.class_names == tuple(names) and not caplog.messages
    np.testing.assert_allclose(np.linalg.norm(queries.text, axis=1), 1.0, atol=1e-6)


def test_padding_is_no_part_of_a_name(embedder: TextEmbedder) -> None:
    """The encoder of this bundle takes the mean over all tokens: one padded would be another."""
    alone = embedder.embed(["bus"])
    embedder.close()
    embedder._encoded.clear()
    np.testing.assert_array_equal(embedder.embed(["bus", "car"])[0], alone[0])


def test_names_without_end_are_refused(embedder: TextEmbedder) -> None:
    with pytest.raises(UserError) as caught:
        prepare_queries(embedder, ["dog", " ".join(["word"] * 600)], "auto", False)
    assert str(caught.value) == (
        "classes: 'word word word word word word word word...' is a name of 600 words and 2999 "
        "letters; expected at most 32 words and 200 letters; put a comma between names"
    )
    with pytest.raises(UserError) as caught:
        prepare_queries(embedder, "w" * 60, "none", False)
    assert str(caught.value).startswith(
        "class 'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww...' takes "
    )
    assert "tokens with its prompt, at most 40 fit this model's text encoder" in str(caught.value)
    with pytest.raises(UserError, match="holds an empty name"):
        prepare_queries(embedder, "dog,,sky", "auto", False)


def test_an_encoder_needs_its_own_tokenizer(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(text=TEXT, trained_words=None)
    with pytest.raises(BundleError, match="holds a BPE model, expected wordpiece"):
        TextEmbedder(bundle).embed(["lorry"])
