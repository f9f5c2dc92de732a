"""The errors that a user can meet, each one line: what was wrong, what was expected, what to do.

A command line turns any :class:`MgcaError` into that line on stderr and its ``exit_code``.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime.redaction import redact

__all__ = [
    "BundleError",
    "MgcaError",
    "SourceGoneError",
    "UnknownClassError",
    "UserError",
    "describe_error",
]


class MgcaError(Exception):
    """Something failed while running (exit code 1 unless said otherwise).

    The message is made one line: line breaks and runs of blanks become one blank, so that text
    taken over from a library cannot break the one-line rule; and secrets of addresses are taken
    out of it (:mod:`runtime.redaction`).
    """

    exit_code: int = 1

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(" ".join(redact(str(message)).split()))
        if exit_code is not None:
            self.exit_code = exit_code


class UserError(MgcaError):
    """The user's arguments: a bad value, class, path, checkpoint or output (exit code 2)."""

    exit_code = 2


class BundleError(UserError):
    """A bundle that is missing, damaged, foreign or of another format version (exit code 2)."""


class UnknownClassError(UserError):
    """A class name that the model cannot know; the message names the nearest (exit code 2).

    Attributes:
        name: the word that was refused, as it is looked up; empty where nobody said.
        near: known words of nearly its meaning or spelling, best first.
    """

    def __init__(self, message: str, *, name: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.near = tuple(near)


class SourceGoneError(MgcaError):
    """A camera or stream stayed absent for longer than the reconnect timeout (exit code 3)."""

    exit_code = 3


def describe_error(error: BaseException) -> str:
    """Any error as one line; of one that is not ours, its kind too, for its text may say little.

    >>> describe_error(MgcaError("no room")), describe_error(KeyError("x"))
    ('no room', "KeyError: 'x'")
    """
    text = " ".join(redact(str(error)).split())
    if isinstance(error, MgcaError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
