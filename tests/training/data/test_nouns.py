"""Nouns are read off captions, and a batch says which image names which."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.data.batches import Collate, Pair  # noqa: E402
from training.data.nouns import NounFinder, phrase_words  # noqa: E402


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a photo of a red car", [["red", "car"]]),
        ("Two dogs near the water, a boat.", [["dogs"], ["water"], ["boat"]]),
        ("a person in red", [["person"], ["red"]]),
        ("a photo", []),
        ("", []),
        ("the 3 o'clock sun", [["o'clock", "sun"]]),
    ],
)
def test_phrases_stand_between_function_words(caption, expected):
    assert phrase_words(caption) == expected


def test_a_noun_ends_its_phrase_often_enough():
    captions = ["a red car"] * 6 + ["a person in red"] * 2 + ["two cars"] * 4 + ["a rare thing"]
    finder = NounFinder.from_captions(captions, minimum=2)
    # "red" usually stands before a noun, "thing" is too rare, "cars" is "car".
    assert finder.base_of == {"car": "car", "cars": "car", "person": "person"}
    assert finder.nouns_of(["some cars and a person in red", "a car"]) == ["car", "person"]


@pytest.mark.parametrize(
    ("nouns", "expected"),
    [
        ({"bus", "buses"}, {"bus": "bus", "buses": "bus"}),
        ({"grass"}, {"grass": "grass"}),
        ({"glas", "glass"}, {"glas": "glas", "glass": "glas"}),
        ({"trees"}, {"trees": "trees"}),
    ],
)
def test_plurals_count_with_their_singular(nouns, expected):
    finder = NounFinder.from_captions([f"a {noun}" for noun in sorted(nouns)], minimum=1)
    assert finder.base_of == expected


def tokenize(texts):
    return torch.tensor([[sum(map(ord, text)), len(text)] for text in texts])


def pair(*captions, drawn=1):
    return Pair(np.zeros((4, 6, 3), np.uint8), list(captions[:drawn]), list(captions), captions[0])


def test_a_batch_says_who_names_what():
    finder = NounFinder({"sky": "sky", "tree": "tree", "trees": "tree", "sun": "sun"})
    collate = Collate(tokenize, finder, ("a {}",))
    batch = collate([pair("the sky", "trees"), pair("a tree"), pair("fog")])
    assert torch.equal(batch.noun_tokens_ul, tokenize(["a sky", "a tree"]))
    # The first image names a tree in a caption that was not drawn.
    assert batch.named_bu.tolist() == [[True, True], [False, True], [False, False]]
    assert batch.owner_j.tolist() == [0, 1, 2]


def test_a_batch_that_names_nothing_carries_no_nouns():
    batch = Collate(tokenize, NounFinder({}), ("a {}",))([pair("fog"), pair("mist")])
    assert batch.noun_tokens_ul is None
    assert batch.named_bu is None


def test_whole_captions_only_unless_nouns_are_asked_for():
    batch = Collate(tokenize)([pair("the sky")]).to(torch.device("cpu"))
    assert batch.noun_tokens_ul is None
    assert batch.named_bu is None
