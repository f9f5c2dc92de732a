"""What captions name, by the parts of speech of their words: things, and compounds such as "fire
hydrant", as singulars.

A tagger says which words are nouns (training.data.tagger). Of nouns side by side the last is the
thing, and those before it say which ("football field"); or a verb was taken for a noun ("the dog
bounds"). Counts tell the two apart: what is said often is a compound, and a word that mostly ends
such runs is a thing of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from training.data.nouns import PICTURE_WORDS
from training.data.tagger import Runs, Tagger, tag_captions

# Nouns that say where, how many or when, and things that are none to be seen.
NO_THINGS = PICTURE_WORDS | frozenset(
    """air area back background bit bottom bunch center centre corner couple day distance edge end
    foreground front group half kind left line lot lots middle number one other others pair part
    piece place position row set side sort thing time top type variety way while""".split()
)
# What ends in -ing and is a thing; the others are what is done.
ING_THINGS = frozenset(
    """awning building ceiling clothing crossing drawing duckling earring icing king lightning
    painting railing ring sibling sling spring string swing wedding wing""".split()
)
# A compound's first noun stands before its second in at least this share of its uses.
COMPOUND_SHARE = 0.01
# A noun of a run that is no compound is a thing of its own if it ends at least so many of its runs.
ENDING_SHARE = 0.8
# Captions of shards are not known beforehand: so many are kept once they are tagged.
MOST_KEPT = 100_000


@dataclass
class TaggedNouns:
    """The nouns of captions, found by a tagger: what :class:`training.data.nouns.NounFinder` does.

    Attributes:
        things: nouns and compounds that are named, as singulars.
        ends: nouns that mostly end the runs they stand in.
        runs: of captions that are tagged already.
    """

    things: frozenset[str]
    ends: frozenset[str]
    runs: dict[str, Runs] = field(default_factory=dict)
    _tagger: Tagger | None = None

    @classmethod
    def from_captions(cls, captions: Collection[str], minimum: int = 4) -> TaggedNouns:
        """Learn which nouns and compounds are used.

        Args:
            captions: some thousands; best all that there are, since these are tagged at once.
            minimum: how many of them name a noun, and a compound, at least.

        Raises:
            UserError: the tagger is not installed.
        """
        tagged = tag_captions(captions)
        uses, endings, chains = _count(tagged[caption] for caption in captions)
        things = {noun for noun, count in uses.items() if count >= minimum and _is_thing(noun)}
        for chain, count in chains.items():
            first, *_, last = chain
            if count >= minimum and count >= COMPOUND_SHARE * uses[first] and _is_thing(last):
                things.add(" ".join(chain))
        ends = {noun for noun in things if endings[noun] >= ENDING_SHARE * uses[noun]}
        return cls(frozenset(things), frozenset(ends), tagged)

    def nouns_of(self, captions: Iterable[str]) -> list[str]:
        """The different nouns of one image's captions, as singulars, sorted."""
        return sorted(
            {
                noun
                for caption in captions
                for run in self._runs_of(caption)
                for noun in self._things_of(run)
            }
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without the tagger: a worker process that needs one loads it."""
        return {**self.__dict__, "_tagger": None}

    def _runs_of(self, caption: str) -> Runs:
        known = self.runs.get(caption)
        if known is None:
            self._tagger = self._tagger or Tagger()
            known = self._tagger.runs_of(caption)
            if len(self.runs) < MOST_KEPT:
                self.runs[caption] = known
        return known

    def _things_of(self, run: list[str]) -> list[str]:
        """The longest compound that ends a run, or its last noun; and what of the rest is a thing
        of its own.
        """
        for first in range(len(run)):
            name = " ".join(run[first:])
            if name in self.things:
                return [name, *(noun for noun in run[:first] if noun in self.ends)]
        return [noun for noun in run if noun in self.ends]


def _is_thing(noun: str) -> bool:
    return noun not in NO_THINGS and (not noun.endswith("ing") or noun in ING_THINGS)


def _count(
    captions: Iterable[Runs],
) -> tuple[Counter[str], Counter[str], Counter[tuple[str, ...]]]:
    """How often each noun is used, ends a run, and each chain of two or three ends one."""
    uses: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    chains: Counter[tuple[str, ...]] = Counter()
    for runs in captions:
        for run in runs:
            uses.update(run)
            endings[run[-1]] += 1
            chains.update(tuple(run[-length:]) for length in (2, 3) if length <= len(run))
    return uses, endings, chains
