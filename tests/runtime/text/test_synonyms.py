"""Words that mean the asked class are no rivals; the truths are an English dictionary's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.text.background import DroppedRival, choose_background, dropped_rivals
from runtime.text.classes import parse_classes
from runtime.text.embedder import TextEmbedder
from runtime.text.queries import prepare_queries
from runtime.text.synonyms import same_thing


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("buses", "bus", True),
        ("houses", "house", True),
        ("benches", "bench", True),
        ("puppies", "puppy", True),
        ("women", "woman", True),
        ("people", "person", True),
        ("an old man", "person", True),
        ("Pedestrians", "person", True),
        ("cyclist", "bicyclist", True),
        ("street", "road", True),
        ("sidewalk", "pavement", True),
        ("sidewalk", "road", False),
        ("man", "woman", False),
        ("person", "bicyclist", False),
        ("car", "bus", False),
        ("street sign", "road", False),
        ("houseboat", "house", False),
        ("bus stop", "bus", False),
        ("glasses", "glass", False),
    ],
)
def test_what_english_tells(one: str, other: str, same: bool) -> None:
    assert same_thing(one, other) is same and same_thing(other, one) is same


@pytest.fixture(scope="module")
def embedder() -> TextEmbedder:
    return TextEmbedder(load_bundle(DEMO_BUNDLE, verify=False), 1)


@pytest.mark.parametrize(
    ("asked", "rival"),
    [
        ("pedestrian", "person"),
        ("people", "person"),
        ("house", "building"),
        ("street", "road"),
        ("sidewalk", "pavement"),
        ("cyclist", "bicyclist"),
    ],
)
def test_a_trained_words_synonym_has_not_its_trained_word_as_rival(
    embedder: TextEmbedder, asked: str, rival: str
) -> None:
    """All six found nothing before: the shipped bundle was trained on both words of each pair."""
    entries = parse_classes(asked)
    listed = embedder.bundle.manifest.background_words
    kept = tuple(word for word in listed if word != rival)
    assert choose_background("auto", entries, embedder) == kept
    assert dropped_rivals("auto", entries, embedder) == (DroppedRival(rival, asked),)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("house", ["house", "building"]),
        ("street,sidewalk", ["street", "road", "sidewalk", "pavement"]),
        ("pedestrian,person", ["pedestrian", "person"]),
        ("someone=pedestrian|cyclist", ["pedestrian", "cyclist", "person", "bicyclist"]),
        ("red car", ["red car"]),  # not every car is red
        ("person,car", ["person", "car"]),
    ],
)
def test_a_class_has_the_names_the_model_knows_it_by(
    embedder: TextEmbedder, asked: str, words: list[str]
) -> None:
    queries = prepare_queries(embedder, asked, "auto", False)
    labels = queries.label_of_row.tolist()
    assert list(queries.words[: len(words)]) == words
    assert (
        labels[len(words) :] == [255] * len(queries.background) and 255 not in labels[: len(words)]
    )
    assert not set(words) & set(queries.background)


def test_an_open_vocabulary_knows_the_asked_word_itself(
    make_bundle: Callable[..., Bundle],
) -> None:
    for trained, words in ((["red", "street", "road"], 2), (None, 1)):
        bundle = make_bundle(trained_words=trained, background_words=["road"])
        queries = prepare_queries(TextEmbedder(bundle, 1), "street", "auto", True)
        assert queries.label_of_row.tolist() == [0] * words
        assert [one.word for one in queries.dropped] == ["road"]


def test_the_embeddings_alone_tell_most_of_it(
    embedder: TextEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the space of the bundle's own words, bound 0.564: house 0.63, street 0.70, people 0.53."""
    monkeypatch.setattr("runtime.text.background.same_thing", lambda one, other: one == other)
    for asked, rival in (("pedestrian", "person"), ("house", "building"), ("street", "road"),
                         ("sidewalk", "pavement"), ("cyclist", "bicyclist")):  # fmt: skip
        dropped = dropped_rivals("auto", parse_classes(asked), embedder)
        assert dropped == (DroppedRival(rival, asked),)


def test_words_of_the_list_drop_themselves_alone(embedder: TextEmbedder) -> None:
    listed = embedder.bundle.manifest.background_words
    for asked in (*listed, "person,car"):
        entries = parse_classes(asked)
        words = {entry.name for entry in entries}
        kept = tuple(word for word in listed if word not in words)
        assert choose_background("auto", entries, embedder) == kept
        assert dropped_rivals("auto", entries, embedder) == ()


def test_a_background_of_ones_own_loses_nothing(embedder: TextEmbedder) -> None:
    entries = parse_classes("pedestrian")
    assert choose_background("person,sky", entries, embedder) == ("person", "sky")
    assert dropped_rivals("person,sky", entries, embedder) == ()
