"""Fields of a configuration: each is described once and is both a flag and a key of a TOML file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

__all__ = ["GIVEN_SOURCES", "Option", "add_options", "flag_of", "key_of", "option", "options_of"]

#: Where a namespace holds the sources given: pairs of a field's name and its value, in order.
GIVEN_SOURCES = "given_sources"

_IN_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Option:
    """How one field is typed, on the command line and in a file.

    Attributes:
        help: the flag's line in ``--help``, with an example.
        holds: what the value is in a TOML file: ``str``, ``int``, ``float`` or ``bool``. A ``bool``
            is a flag without a value.
        metavar: the value's name in ``--help``.
        read: turns the typed text into the value; raises ``argparse.ArgumentTypeError``.
        write: turns the value back into what ``read`` takes, or into the file's own type.
        choices: the only texts allowed, None for any.
        many: whether the flag takes one or more values; the field is a tuple then.
        repeated: whether the flag may be given several times, a value each; a tuple as well.
        source: whether the flag names a source: each use of it is one more stream.
        or_number: whether a number may stand for the text in a file.
        alone: the value of the flag where none follows it; None for one that needs a value.
        secret: whether the value is shown nowhere, unless it only names a variable.
    """

    help: str
    holds: type = str
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    write: Callable[[Any], Any] | None = None
    choices: tuple[str, ...] | None = None
    many: bool = False
    repeated: bool = False
    source: bool = False
    or_number: bool = False
    alone: Any = None
    secret: bool = False

    def from_file(self, value: Any) -> Any:
        """The field's value for a value of a TOML file; raises ``ValueError`` in plain words."""
        if self.many or self.repeated:
            values = value if isinstance(value, list) else [value]
            if not values:
                raise ValueError(f"expected {self.expected()}, not an empty list")
            return tuple(self._one_from_file(one, value) for one in values)
        return self._one_from_file(value, value)

    def to_file(self, value: Any) -> Any:
        """What stands in a TOML file for a value: a bool, a number, a text or a list of these."""
        if self.many or self.repeated:
            return [one if self.write is None else self.write(one) for one in value]
        return value if self.write is None else self.write(value)

    def expected(self) -> str:
        """What the key may hold, in words."""
        if self.choices is not None:
            return f"one of {', '.join(self.choices)}"
        words = _IN_WORDS[self.holds] + (" or a number" if self.or_number else "")
        return f"{words} or a list of them" if self.many or self.repeated else words

    def _one_from_file(self, value: Any, given: Any) -> Any:
        accepted: tuple[type, ...] = (int, float) if self.holds is float else (self.holds,)
        accepted += (int, float) if self.or_number else ()
        fits = isinstance(value, accepted) and (self.holds is bool or not isinstance(value, bool))
        if not fits or (self.choices is not None and value not in self.choices):
            raise ValueError(f"expected {self.expected()}, not {_in_toml(given)}")
        if self.read is None:
            return value
        try:
            return self.read(str(value))
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from None


def option(help: str, *, default: Any = None, **how: Any) -> Any:
    """A field of a dataclass that is a flag and a key of a file, both named after the field.

    Hyphens take the place of underscores. ``how`` takes the attributes of :class:`Option`:
    ``label_dir: str | None = option("a PNG a frame", metavar="DIR")`` is ``--label-dir DIR``.
    """
    return field(default=default, metadata={"option": Option(help, **how)})


def options_of(config: Any) -> list[tuple[Field[Any], Option]]:
    """The fields of a dataclass, or of an instance of one, each with its option."""
    return [(one, one.metadata["option"]) for one in fields(config) if "option" in one.metadata]


def key_of(name: str) -> str:
    """A field's key in a file: ``label_dir`` is ``label-dir``."""
    return name.replace("_", "-")


def flag_of(name: str) -> str:
    """A field's flag: ``label_dir`` is ``--label-dir``."""
    return f"--{key_of(name)}"


def add_options(group: Any, config_class: type) -> None:
    """Add a flag for each option of a dataclass to an argparse group.

    A flag that is not given leaves no trace in the namespace, so that a file's value can stand.
    """
    for one, described in options_of(config_class):
        assert one.default is not MISSING
        how: dict[str, Any] = {"help": described.help, "default": argparse.SUPPRESS}
        if described.holds is bool:
            how["action"] = "store_true"
        else:
            how |= {"metavar": described.metavar, "choices": described.choices}
            how |= {"type": described.read or str}
            if described.many:
                how["nargs"] = "+"
            if described.alone is not None:
                how |= {"nargs": "?", "const": described.alone}
            how["action"] = _AddSource if described.source else _Store
            if described.repeated:
                how["action"] = _Add
        group.add_argument(flag_of(one.name), dest=one.name, **how)


class _Store(argparse.Action):
    """Stores a value, several as a tuple: what is frozen holds no list."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, tuple(values) if isinstance(values, list) else values)


class _Add(argparse.Action):
    """Adds a value to those that the flag was given before."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, (*getattr(namespace, self.dest, ()), values))


class _AddSource(argparse.Action):
    """Adds a field's name and its value to those that were given before, in order."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        value = tuple(values) if isinstance(values, list) else values
        given = getattr(namespace, GIVEN_SOURCES, ())
        setattr(namespace, GIVEN_SOURCES, (*given, (self.dest, value)))


def _in_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"a table of {len(value)} keys" if isinstance(value, dict) else repr(value)
