"""Values of flags, checked while they are parsed: a wrong one never reaches the measurement."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from runtime.errors import UserError


def parse_size(text: str) -> tuple[int, int]:
    """``320x240`` -> (320, 240), width first."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) >= 16 and int(height) >= 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; expected e.g. 320x240, >= 16x16")
    return int(width), int(height)


def parse_frames(text: str) -> tuple[int, int]:
    """``1-50`` -> (1, 50), counted from 1, both ends in."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of frames; expected e.g. 1-50")
    return int(first), int(last)


def parse_count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def parse_seed(text: str) -> int:
    """A whole number from 0 up."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def choose_names(text: str, known: Collection[str], flag: str) -> tuple[str, ...]:
    """``object,region`` -> names, each one of ``known``.

    For lists whose choice only the other flags decide; what ``flag`` takes is said in the error.

    Raises:
        UserError: an unknown name, or none at all.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UserError(
            f"{flag} {text}: unknown '{', '.join(unknown)}'; expected some of {','.join(known)}"
        )
    return names
