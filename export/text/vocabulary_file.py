"""Read ``--vocabulary FILE``: the names whose embeddings a bundle carries ready made.

One name a line; ``#`` starts a comment; ``car=car|van|taxi`` (the form the runtime's ``--classes``
takes) adds each of its words. Upper and lower case do not tell two names apart, because the text
encoder does not.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from runtime.bundle import name_key
from runtime.errors import UserError


def parse_names(text: str, where: str) -> list[str]:
    """Parse the lines of a vocabulary file.

    Args:
        text: the file's text.
        where: what to call the file in an error.

    Returns:
        The names in the file's order, normalised, none twice.

    Raises:
        UserError: no names at all, an empty name in a group, or a name twice, be it on two lines
            or on one.
    """
    first_line_of: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        for name in _names_of_line(content, where, number):
            if name in first_line_of:
                raise UserError(
                    f"{where}: '{name}' stands on line {first_line_of[name]} and again on line "
                    f"{number}; each name must occur once, delete one of them"
                )
            first_line_of[name] = number
    if not first_line_of:
        raise UserError(f"{where}: holds no names; expected one class name a line, such as 'car'")
    return list(first_line_of)


def read_names(path: Path) -> list[str]:
    """Read and parse a vocabulary file (see :func:`parse_names`)."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"--vocabulary {path}: no such file; expected a text file with one class name a line"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--vocabulary {path}: cannot be read as UTF-8 text ({_reason(error)}); "
            "expected one class name a line"
        ) from None
    return parse_names(text, f"--vocabulary {path}")


def everyday_names() -> list[str]:
    """Return the everyday nouns this package carries, for CLIPs without a closed word list."""
    return _carried_names("everyday.txt")


def open_background_names() -> list[str]:
    """Return what scenes are made of besides things: the background of CLIPs without a closed
    word list.
    """
    return _carried_names("open_background.txt")


def _carried_names(file: str) -> list[str]:
    text = (resources.files("export") / "vocabularies" / file).read_text("utf-8")
    return parse_names(text, file)


def _names_of_line(content: str, where: str, number: int) -> list[str]:
    label, equals, synonyms = content.partition("=")
    spelled = [label, *synonyms.split("|")] if equals else content.split("|")
    names = [name_key(name) for name in spelled]
    if not all(names):
        raise UserError(
            f"{where}: line {number} has an empty name in '{content}'; expected 'name' or "
            "'name=word|word'"
        )
    # The label may be one of its own words, as in car=car|van; a word is there once.
    words = names[1:] if equals else names
    for name in words:
        if words.count(name) > 1:
            raise UserError(
                f"{where}: '{name}' stands twice on line {number}, in '{content}'; each name must "
                "occur once, delete one of them"
            )
    return list(dict.fromkeys(names))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
