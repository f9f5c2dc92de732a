"""What a user types as classes: ``person,car=car|van|taxi``, checked before any model sees it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.bundle.vocabulary import name_key
from runtime.errors import UserError

MAX_CLASSES = 254
NONE_LABEL = 255
# A name is a word or a phrase; it also has to fit a legend, and a line of a log.
MAX_NAME_WORDS = 32
MAX_NAME_LETTERS = 200

__all__ = [
    "MAX_CLASSES", "NONE_LABEL", "ClassEntry", "check_name", "parse_classes", "read_classes_file",
    "shortened",
]  # fmt: skip


@dataclass(frozen=True)
class ClassEntry:
    """One class: the name it is reported under and the words that stand for it (at least one)."""

    name: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """The entry as it is typed: ``car``, ``vehicle=car|bus``."""
        return self.name if self.words == (self.name,) else f"{self.name}={'|'.join(self.words)}"


def parse_classes(classes: str | Sequence[str], what: str = "classes") -> tuple[ClassEntry, ...]:
    """Parse classes; the position of an entry is its label value.

    ``classes`` is one text with commas, or a sequence with one entry each. An entry is a name, or
    ``name=word|word|word`` where any of the words stands for the class. Raises
    :class:`UserError` for an empty list or entry, for a name or word that is there twice, and for
    more than 254 classes. ``what`` names the list in those errors.

    >>> parse_classes("person, car=car|van")
    (ClassEntry(name='person', words=('person',)), ClassEntry(name='car', words=('car', 'van')))
    """
    entries = classes.split(",") if isinstance(classes, str) else list(classes)
    if not any(isinstance(entry, str) and entry.strip() for entry in entries):
        raise UserError(f"the list of {what} is empty; expected names such as person,car")
    parsed = tuple(_parse_entry(entry, what) for entry in entries)
    if len(parsed) > MAX_CLASSES:
        raise UserError(
            f"{len(parsed)} {what} given, at most {MAX_CLASSES} fit a stream; give fewer, "
            "or join some under one name: car=car|van"
        )
    _check_once([entry.name for entry in parsed], what)
    _check_once([word for entry in parsed for word in entry.words], what)
    return parsed


def read_classes_file(path: str | os.PathLike[str]) -> list[str]:
    """Entries of a classes file, UTF-8, one a line; blank lines and ``# comments`` are skipped."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(
            f"classes file {path} is not UTF-8 text; expected one name a line"
        ) from None
    except OSError as error:
        raise UserError(
            f"classes file {path} cannot be read ({error.strerror}); expected a text file with "
            "one name a line"
        ) from None
    lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
    entries = [line for line in lines if line]
    if not entries:
        raise UserError(f"classes file {path} holds no name; expected one name a line")
    return entries


def check_name(name: str, what: str = "classes") -> None:
    """Refuse, with a :class:`UserError`, a name that is no text to read, or too long for one.

    ``what`` is how the error calls the list that it stands in.
    """
    if not name.isprintable() or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise UserError(
            f"{what}: {shortened(name)!r} is not readable text; expected names in UTF-8"
        )
    count = len(name.split())
    if count > MAX_NAME_WORDS or len(name) > MAX_NAME_LETTERS:
        raise UserError(
            f"{what}: {shortened(name)!r} is a name of {count} words and {len(name)} letters; "
            f"expected at most {MAX_NAME_WORDS} words and {MAX_NAME_LETTERS} letters; put a "
            "comma between names"
        )


def shortened(name: str, letters: int = 40) -> str:
    """A name for a message: its beginning, if it is long.

    >>> shortened("car"), shortened("a very long name", 6)
    ('car', 'a very...')
    """
    return name if len(name) <= letters else f"{name[:letters].rstrip()}..."


def _parse_entry(entry: str, what: str) -> ClassEntry:
    if not isinstance(entry, str):
        raise UserError(f"{what} should be texts, found {entry!r}; give names such as person")
    name, equals, synonyms = (part.strip() for part in entry.partition("="))
    words = tuple(" ".join(word.split()) for word in synonyms.split("|")) if equals else (name,)
    name = " ".join(name.split())
    if not equals and "|" in entry:
        first = entry.split("|")[0].strip() or "car"
        raise UserError(
            f"{what}: {entry.strip()!r} gives synonyms without a name; "
            f"write {first}={entry.strip()}"
        )
    if not name or not all(words):
        raise UserError(
            f"{what}: {entry.strip()!r} holds an empty name; expected name or name=word|word"
        )
    for text in (name, *words):
        check_name(text, what)
    return ClassEntry(name, words if equals else (name,))


def _check_once(texts: list[str], what: str) -> None:
    seen: set[str] = set()
    for text in texts:
        key = name_key(text)
        if key in seen:
            raise UserError(f"{what}: {text!r} is there twice; expected each name and word once")
        seen.add(key)
