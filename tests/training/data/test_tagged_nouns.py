"""Nouns by part of speech: singulars, compounds, and what only looks like a noun."""

from __future__ import annotations

import pickle
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("HanTa")

from runtime.errors import UserError
from tests.support.captioned import write_captioned
from training.data import tagger as tagger_module
from training.data.batches import Collate, Pair
from training.data.config import DataConfig
from training.data.tagged_nouns import TaggedNouns
from training.data.tagger import Tagger, load_tagger, tag_captions

CAPTIONS = [
    "A dog stands near a fire hydrant .",
    "Two dogs jump over the fire hydrants in the snow",
    "Three women and a man wearing sunglasses watch the dog's soccer ball",
    "The man holds a soccer ball while his dog runs past",
]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("caption", "runs"),
    [
        (CAPTIONS[1], [["dog"], ["fire", "hydrant"], ["snow"]]),
        ("Children's feet, leaves and skis", [["child"], ["foot"], ["leaf"], ["ski"]]),
        ("A skateboarder in shorts", [["skateboarder"], ["shorts"]]),
        ("people play in a red bus", [["person"], ["bus"]]),
        ("A dog runs past", [["dog"]]),
        ("A café", [["café"]]),
        ("The duck swims", [["duck"]]),
        ("", []),
        ("... , !", []),
        ("犬がいる ñandú", None),
        ("word " * 600, None),
    ],
)
def test_runs_of_nouns(caption, runs):
    found = Tagger().runs_of(caption)
    assert found == runs if runs is not None else isinstance(found, list)


def test_compounds_and_things():
    nouns = TaggedNouns.from_captions(CAPTIONS, minimum=2)
    assert nouns.things >= {"dog", "man", "fire hydrant", "soccer ball"}
    assert nouns.nouns_of(CAPTIONS[:2]) == ["dog", "fire hydrant"]  # snow: once
    assert nouns.nouns_of(["a man and his dogs in front of a ball"]) == ["ball", "dog", "man"]
    assert nouns.nouns_of([]) == []
    every = TaggedNouns.from_captions(CAPTIONS, minimum=1)
    assert {"snow", "sunglasses", "woman"} <= every.things


def test_words_of_place_and_of_doing_are_no_things():
    captions = ["a group of men in front of the building", "the swimming of dogs at the edge"]
    found = TaggedNouns.from_captions(captions, minimum=1).nouns_of(captions)
    assert found == ["building", "dog", "man"]


def test_what_was_tagged_is_read_again(monkeypatch):
    first = tag_captions(CAPTIONS)

    def fail(*_):
        raise AssertionError("tagged again")

    monkeypatch.setattr(Tagger, "runs_of", fail)
    assert tag_captions(list(reversed(CAPTIONS))) == first
    monkeypatch.setattr(tagger_module, "RULES", tagger_module.RULES + 1)
    with pytest.raises(AssertionError, match="tagged again"):
        tag_captions(CAPTIONS)


def test_captions_that_come_later_are_tagged_then_also_in_a_worker():
    nouns = TaggedNouns.from_captions(CAPTIONS, minimum=1)
    assert nouns.nouns_of(["the sun above some snow"]) == ["snow"]
    assert len(pickle.dumps(nouns)) < 20_000  # without the tagger's model
    assert pickle.loads(pickle.dumps(nouns)).nouns_of(["a man in snow"]) == ["man", "snow"]


def test_collate_takes_either():
    import numpy as np
    import torch

    image = np.zeros((4, 4, 3), np.uint8)
    pairs = [Pair(image, [text], [text]) for text in CAPTIONS[:2]]
    nouns = TaggedNouns.from_captions(CAPTIONS, minimum=2)
    batch = Collate(lambda texts: torch.zeros(len(texts), 3).long(), nouns)(pairs)
    assert batch.named_bu is not None and batch.named_bu.tolist() == [[True, True]] * 2


def test_without_the_package(monkeypatch):
    load_tagger.cache_clear()
    monkeypatch.setitem(sys.modules, "HanTa.HanoverTagger", None)
    with pytest.raises(UserError, match=r"needs HanTa: pip install 'HanTa"):
        Tagger()


def test_the_knob(tmp_path):
    with pytest.raises(ValueError, match="expected phrases or tagger"):
        DataConfig(nouns="spacy")
    from training.data.registry import open_source

    source = open_source(DataConfig(captions=write_captioned(tmp_path, 2), nouns="tagger"), 0)
    assert source.known_captions() == ["0", "0 plus", "1", "1 plus"]
    assert open_source(DataConfig(), 0).known_captions() is None
