"""Names of an open vocabulary that are a slip of the keyboard rather than a word.

Such a model takes any name, and gives the pixels of "persn" to whatever its text encoder makes of
it. A rare word is none of that: only what no list knows, and what differs from a known name by a
slip, is told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from runtime.bundle.vocabulary import name_key
from runtime.text.synonyms import word_forms

NOUNS_FILE = Path(__file__).resolve().parents[1] / "assets" / "english_nouns.txt"
# Two short words that differ by a letter are mostly two words.
_LEAST_REPLACED, _LEAST_DROPPED, _LEAST = 5, 5, 3
# Long ones may differ by two, where they begin alike.
_LEAST_TWICE = 7
_LETTERS = re.compile(r"[^\W\d_]+")

__all__ = ["Doubt", "english_nouns", "find_doubt", "is_slip", "words_of"]


@dataclass(frozen=True)
class Doubt:
    """A name that looks misspelled, and the one that may be meant."""

    name: str
    meant: str

    def __str__(self) -> str:
        """One line for a log."""
        return (
            f"class {self.name!r} is not a word that this model's vocabulary knows; did you mean "
            f"{self.meant}?"
        )


def find_doubt(name: str, known: Collection[str], is_word: Callable[[str], bool]) -> Doubt | None:
    """Whether a name holds a word that is a slip for a known one.

    Args:
        name: as it was typed.
        known: single words that the model's names are made of, in small letters.
        is_word: whether the text encoder takes a word as a whole; asked only where no list knows
            it.

    Returns:
        The name with the known words put in, or None where nothing is in doubt.
    """
    words = name_key(name).split()
    mended = [_mend(word, known, is_word) for word in words]
    return None if mended == words else Doubt(name_key(name), " ".join(mended))


def _mend(word: str, known: Collection[str], is_word: Callable[[str], bool]) -> str:
    """A word, or the known one that it is a slip for."""
    if len(word) < _LEAST or not _LETTERS.fullmatch(word) or word in known:
        return word
    near = [other for other in known if is_slip(word, other)]
    if not near:
        return word
    forms = word_forms(word)
    if forms & set(known) or forms & english_nouns() or any(map(is_word, forms)):
        return word
    ratios = {other: difflib.SequenceMatcher(None, word, other).ratio() for other in near}
    return max(sorted(near), key=ratios.__getitem__)


def is_slip(one: str, other: str) -> bool:
    """Whether two words differ by a letter: two exchanged, one too many or few, one replaced.

    In short words only the first, and the second where the first letter stays; long words that
    begin alike may differ by two letters.

    >>> is_slip("dgo", "dog"), is_slip("persn", "person"), is_slip("cat", "car")
    (True, True, False)
    >>> is_slip("bycicle", "bicycle")
    True
    """
    short, long = sorted((one, other), key=len)
    if one == other or len(long) - len(short) > 2 or len(short) < _LEAST:
        return False
    steps = _steps_between(short, long)
    if steps == 2:
        return len(short) >= _LEAST_TWICE and short[0] == long[0]
    if steps != 1:
        return False
    if len(short) == len(long):
        return len(one) >= _LEAST_REPLACED or sorted(one) == sorted(other)
    return len(long) >= _LEAST_DROPPED or short[0] == long[0]


def _steps_between(one: str, other: str) -> int:
    """Letters to replace, drop, add or exchange with their neighbor (Damerau and Levenshtein)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            same = letter == another
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (not same))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == another:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def words_of(names: Sequence[str]) -> frozenset[str]:
    """The single words that names are made of, in small letters."""
    return frozenset(word for name in names for word in _LETTERS.findall(name_key(name)))


@lru_cache(maxsize=1)
def english_nouns() -> frozenset[str]:
    """Words of English nouns that can be seen, rare ones included."""
    lines = NOUNS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
