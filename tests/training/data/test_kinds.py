"""Kinds of things: heads of compounds, people."""

from __future__ import annotations

import pytest

from training.data.kinds import NounsWithKinds, kinds_of
from training.data.nouns import NounFinder


@pytest.mark.parametrize(
    ("noun", "kinds"),
    [
        ("man", ["person"]),
        ("person", []),
        ("football player", ["player", "person"]),
        ("tennis ball", ["ball"]),
        ("fire hydrant", ["hydrant"]),
        ("tree", []),
    ],
)
def test_what_a_noun_is_a_kind_of(noun, kinds):
    assert list(kinds_of(noun)) == kinds


def test_nouns_come_with_their_kinds_once():
    finder = NounFinder({"woman": "woman", "girl": "girl", "kite": "kite"})
    nouns = NounsWithKinds(finder)
    assert nouns.nouns_of(["a woman and a girl", "a kite"]) == ["girl", "kite", "person", "woman"]
    assert nouns.nouns_of(["nothing"]) == []
