"""The nouns of captions, found without a parser: what a caption names, as single words.

Captions name several things at once; one embedding of the whole sentence cannot say which patch
is which. As others do (GroupViT, Xu et al. 2022; TagAlign, Liu et al. 2023) the sentence is taken
apart into the nouns it names. A part of speech tagger would need a model of its own; a caption
needs less: between function words stand noun phrases, the last word of a phrase is its noun, and a
word that usually stands elsewhere (a color) is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_WORD = re.compile(r"[a-z][a-z'-]*|[,.;:!?()]")

# Words that end a noun phrase: they are never part of one.
FUNCTION_WORDS = frozenset(
    """a an the this that these those some several many few two three four five of and or with
    without near on in at by for from to into over under above below behind beside between is are
    was were be being has have there here we you i he she it they his her its their as
    while""".split()
)
# Words about the picture instead of what it shows.
PICTURE_WORDS = frozenset(
    "photo photograph picture image view scene shot see showing shows".split()
)


class Nouns(Protocol):
    """Finds what captions name."""

    def nouns_of(self, captions: Iterable[str]) -> list[str]:
        """The different nouns of one image's captions, sorted."""
        ...


def phrase_words(caption: str) -> list[list[str]]:
    """Word runs between function words, in order.

    >>> phrase_words("a photo of a red car, two trees and the sky")
    [['red', 'car'], ['trees'], ['sky']]
    """
    runs: list[list[str]] = [[]]
    for word in _WORD.findall(caption.lower()):
        if word in FUNCTION_WORDS or word in PICTURE_WORDS or not word[0].isalpha():
            runs.append([])
        else:
            runs[-1].append(word)
    return [run for run in runs if run]


@dataclass(frozen=True)
class NounFinder:
    """The nouns a set of captions uses, each with the form it is counted under.

    Attributes:
        base_of: noun -> its singular where that is a noun too, else itself.
    """

    base_of: dict[str, str]

    @classmethod
    def from_captions(
        cls, captions: Iterable[str], minimum: int = 4, share: float = 0.7
    ) -> NounFinder:
        """Learn which words are nouns.

        Args:
            captions: some thousands.
            minimum: a noun ends at least this many phrases,
            share: and at least this share of the phrases it occurs in.
        """
        last: Counter[str] = Counter()
        anywhere: Counter[str] = Counter()
        for caption in captions:
            for run in phrase_words(caption):
                last[run[-1]] += 1
                anywhere.update(run)
        nouns = {
            word
            for word, count in last.items()
            if count >= minimum and count >= share * anywhere[word]
        }
        return cls({noun: _singular(noun, nouns) for noun in sorted(nouns)})

    def nouns_of(self, captions: Iterable[str]) -> list[str]:
        """The different nouns of one image's captions, in base form, sorted.

        >>> NounFinder({"car": "car", "cars": "car", "sky": "sky"}).nouns_of(["two cars", "a car"])
        ['car']
        """
        found = {
            self.base_of[run[-1]]
            for caption in captions
            for run in phrase_words(caption)
            if run[-1] in self.base_of
        }
        return sorted(found)


def _singular(noun: str, nouns: set[str]) -> str:
    for ending in ("s", "es"):
        stem = noun[: -len(ending)]
        if noun.endswith(ending) and stem in nouns:
            return stem
    return noun
