"""Which names of an open vocabulary look misspelled."""

from __future__ import annotations

import pytest

from runtime.text.spelling import english_nouns, find_doubt, is_slip, words_of

KNOWN = words_of(["person", "dog", "traffic light", "fire hydrant", "eagle", "kitten", "bicycle"])


def doubt_of(name: str) -> str | None:
    found = find_doubt(name, KNOWN, lambda word: word == "egale")
    return None if found is None else found.meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("persn", "person"), ("dgo", "dog"), ("Trafic  Light", "traffic light"),
        ("fire hydrnt", "fire hydrant"), ("a bycicle", "a bicycle"), ("perosn", "person"),
    ],
)  # fmt: skip
def test_slips(typed: str, meant: str) -> None:
    assert doubt_of(typed) == meant


@pytest.mark.parametrize(
    "name",
    ["person", "persons", "dogs", "beagle", "mitten", "mittens", "samoyed", "tuk-tuk", "egale",
     "zebra crossing", "dug", "do", "x", "xqzzt", "犬", "42", "3 dgo2", "lightly lit"],
)  # fmt: skip
def test_words_and_what_is_near_nothing(name: str) -> None:
    assert doubt_of(name) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("dog", "dog", False), ("dgo", "dog", True), ("dig", "dog", False), ("doog", "dog", True),
        ("og", "dog", False), ("eaglf", "eagle", True), ("agle", "eagle", True),
        ("oven", "coven", True), ("ave", "cave", False), ("cav", "cave", True),
        ("bycicle", "bicycle", True), ("tricycle", "bicycle", False), ("eggal", "eagle", False),
    ],
)  # fmt: skip
def test_is_slip(one: str, other: str, expected: bool) -> None:
    assert is_slip(one, other) is expected and is_slip(other, one) is expected


def test_the_list_of_nouns() -> None:
    nouns = english_nouns()
    assert len(nouns) > 20_000 and {"beagle", "samoyed", "okapi"} <= nouns
    assert all(word.isascii() and word.islower() and word.isalpha() for word in nouns)
