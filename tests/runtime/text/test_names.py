"""Names that mean a word the model knows, and what is offered instead of those it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UnknownClassError, UserError
from runtime.text.background import choose_background
from runtime.text.calibration import Calibration
from runtime.text.classes import parse_classes
from runtime.text.embedder import TextEmbedder
from runtime.text.nearest import CONTROLS, by_encoder
from runtime.text.queries import prepare_queries
from runtime.text.synonyms import plain_forms
from tests.support.bundle import color_vocabulary

WORDS = ["door", "window", "wall", "floor", "lamp", "chair", "table", "shelf", "plant"]


@pytest.fixture(scope="module")
def embedder() -> TextEmbedder:
    return TextEmbedder(load_bundle(DEMO_BUNDLE, verify=False), 1)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("car", ["car"]),
        (" A  Car ", ["car"]),
        ("the cars", ["car", "cars"]),
        ("An apple", ["apple"]),
        ("people", ["person", "people"]),
        ("city buses", ["city bus", "city buse", "city buses"]),
        ("grass", ["grass"]),
        ("the", ["the"]),
        ("a man on the bicycle", ["a man on the bicycle"]),  # a phrase says more than a name
    ],
)
def test_plain_forms(name: str, forms: list[str]) -> None:
    assert plain_forms(name) == forms


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a car", "car"), ("the car", "car"), ("cars", "car"), ("Car ", "car"),
        ("THE  CARS", "car"), ("buses", "bus"), ("people", "person"), ("sidewalks", "sidewalk"),
        ("the purple buses", "purple bus"), ("sky", "sky"), ("grass", "grass"),
    ],
)  # fmt: skip
def test_articles_plurals_case_and_blanks_make_no_other_word(
    embedder: TextEmbedder, typed: str, meant: str
) -> None:
    """Before, "buses" was near no bus at all: the shipped text encoder never met that word."""
    assert embedder.is_known(typed) and embedder.key_of(typed) == meant
    np.testing.assert_array_equal(embedder.embed([typed]), embedder.embed([meant]))


def test_every_word_of_the_list_that_is_no_plural_is_itself(embedder: TextEmbedder) -> None:
    words = embedder.bundle.manifest.trained_words or ()
    others = {word: key for word in words if (key := embedder.key_of(word)) != word}
    plurals = ("bicyclists boats buildings buses cars clouds dogs fences flowers people poles "
               "signs trees").split()  # fmt: skip
    assert list(others) == plurals
    listed = np.stack([embedder.vocabulary.find(word) for word in words if word not in others])
    kept = [word for word in words if word not in others]
    np.testing.assert_array_equal(embedder.embed(kept), listed)


def test_an_open_vocabulary_keeps_a_plural_that_was_precomputed(
    make_bundle: Callable[..., Bundle],
) -> None:
    rows = np.eye(3, dtype=np.float32)
    words = replace(color_vocabulary(), names=("leaf", "leaves", "the moon"), embeddings=rows)
    embedder = TextEmbedder(make_bundle(words=words, trained_words=None))
    assert [*map(embedder.key_of, ("leaves", "a leaf", "The Moon", "moons"))] == [
        "leaves", "leaf", "the moon", "moons",
    ]  # fmt: skip


def test_without_an_encoder_a_plural_is_looked_up(make_bundle: Callable[..., Bundle]) -> None:
    """The word "bus" was trained, but its embedding is not there: "buses" must not turn into it."""
    bundle = make_bundle(files={"text_encoder.onnx": None, "tokenizer.json": None})
    embedder = TextEmbedder(bundle)
    np.testing.assert_array_equal(embedder.embed(["the reds"]), embedder.embed(["red"]))
    assert embedder.key_of("buses") == "buses"


def test_a_word_of_a_group_counts_once(embedder: TextEmbedder) -> None:
    queries = prepare_queries(embedder, "vehicle=car|cars|a car|bus,sky", "none", False)
    assert queries.words == ("car", "bus", "sky")
    assert queries.label_of_row.tolist() == [0, 0, 1]
    assert prepare_queries(embedder, "A car", "none", False).class_names == ("A car",)


def test_one_word_in_two_classes_is_refused(embedder: TextEmbedder) -> None:
    with pytest.raises(UserError) as caught:
        prepare_queries(embedder, "vehicle=bus|car,the cars", "none", False)
    assert str(caught.value) == (
        "classes: 'the cars' and 'car' are one word to this model, in two classes; expected each "
        "once; join them: vehicle=car|the cars"
    )
    with pytest.raises(UserError, match="background word 'the sky' is also one of the classes"):
        choose_background("the sky", parse_classes("sky"), embedder)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("van", ["car", "bus"]),
        ("automobile", ["car"]),
        ("puppies", ["dog"]),
        ("a woman", ["person"]),
        ("lake", ["water"]),
        ("carr", ["car"]),
        ("pavment", ["pavement"]),
        ("zebra", ["dog"]),
        ("qwxyz", []),
    ],
)
def test_the_shipped_bundle_offers_by_meaning(
    embedder: TextEmbedder, asked: str, offered: list[str]
) -> None:
    """Its encoder cannot tell of "van", so English does; letters alone offered nothing for it."""
    near = embedder.nearest(asked)
    assert near[: len(offered)] == offered and bool(near) == bool(offered)


def test_the_shipped_encoder_knows_that_it_cannot_tell(embedder: TextEmbedder) -> None:
    """It gives all words it never met one embedding, which lies at 1.00 from that of "clouds"."""
    for word in ("van", "zebra", "qwxyz"):
        assert embedder._near_by_encoder(word) == []


def test_near_by_encoder_by_hand() -> None:
    space = Calibration(np.zeros(3), 0.6)
    rows = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 1.0, 0.0]])
    nothing = np.array([[0.0, 0.0, 1.0]])
    asked = np.array([1.0, 0.1, 0.0])
    assert by_encoder(space, asked, ["a", "b", "c"], rows, nothing) == ["a", "b"]
    assert by_encoder(space, asked, ["a", "b", "c"], rows, asked[None]) == []


class Thesaurus:
    """A text encoder that knows that a gate is nearly a door, and nothing of other words."""

    def encode(self, prompts: Sequence[str]) -> np.ndarray:
        return np.stack([self._row(prompt) for prompt in prompts])

    def _row(self, prompt: str) -> np.ndarray:
        word = prompt.removeprefix("a ").removeprefix("the ").removesuffix(".")
        row = np.zeros(len(WORDS) + 1)
        if word in WORDS or word == "portal":
            row[WORDS.index("door" if word == "portal" else word)] = 1.0
        if word == "portal" or word not in WORDS:
            row[-1] = 0.2 if word == "portal" else 1.0
        return row


def test_an_encoder_that_can_tell_is_asked(
    make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    width = len(WORDS) + 1
    words = replace(
        color_vocabulary(),
        names=tuple(WORDS),
        embeddings=np.eye(width, dtype=np.float32)[:-1],
        text_center=np.zeros(width, np.float32),
    )
    bundle = make_bundle(
        words=words, embedding_width=width, trained_words=tuple(WORDS),
        background_words=tuple(WORDS),
    )  # fmt: skip
    embedder = TextEmbedder(bundle)
    monkeypatch.setattr(embedder, "_open_encoder", Thesaurus)
    assert embedder.nearest("portal") == ["door"]
    assert embedder.nearest("zzyx") == []
    assert len(set(CONTROLS)) >= 3
    with pytest.raises(UnknownClassError, match=r"'portal' is unknown .* it knows: door; use one"):
        embedder.embed(["portal"])
