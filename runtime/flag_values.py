"""Values of flags, checked while they are parsed: the ``type`` of an argparse argument."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

__all__ = [
    "byte_count",
    "duration_s",
    "four_letters",
    "number",
    "size_wh",
    "whole_number",
    "whole_numbers",
    "word_or_number",
    "write_byte_count",
    "write_duration",
]

_SECONDS_OF = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_BYTES_OF = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
_BINARY_BYTES_OF = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
_WITH_UNIT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([A-Za-z]{1,3})")


def whole_number(least: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``least`` up; others raise ``ArgumentTypeError``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}, not {text!r}")
        return value

    return read


def whole_numbers(text: str) -> tuple[int, ...]:
    """``1,2,4`` -> (1, 2, 4): whole numbers from 1 up; others raise ``ArgumentTypeError``."""
    return tuple(map(whole_number(1), text.split(",")))


def number(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A reader of numbers from ``least`` to ``most``; others raise ``ArgumentTypeError``."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            span = f"from {least:g} to {most:g}" if most < math.inf else f">= {least:g}"
            raise argparse.ArgumentTypeError(f"expected a number {span}, not {text!r}")
        return value

    return read


def word_or_number(
    words: tuple[str, ...], least: float, most: float
) -> Callable[[str], str | float]:
    """A reader of some words, and of numbers from ``least`` to ``most``."""

    def read(text: str) -> str | float:
        if text in words:
            return text
        try:
            return number(least, most)(text)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(
                f"expected {', '.join(words)} or a number from {least:g} to {most:g}, not {text!r}"
            ) from None

    return read


def four_letters(text: str) -> str:
    """A reader of FourCC codes such as ``MJPG``; others raise ``ArgumentTypeError``."""
    if len(text) == 4 and text.isascii() and text.isalnum():
        return text.upper()
    raise argparse.ArgumentTypeError(
        f"expected four letters or digits such as MJPG or YUYV, not {text!r}"
    )


def size_wh(least: int = 1, most: int | None = None) -> Callable[[str], tuple[int, int]]:
    """A reader of ``WIDTHxHEIGHT`` in pixels, each side from ``least`` to ``most``.

    >>> size_wh()("640x480")
    (640, 480)
    """

    def read(text: str) -> tuple[int, int]:
        width, _, height = text.lower().partition("x")
        if width.isdecimal() and height.isdecimal():
            sides = int(width), int(height)
            if min(sides) >= least and (most is None or max(sides) <= most):
                return sides
        span = f", each side from {least}" + (f" to {most}" if most else " up")
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT such as 640x480{span}, not {text!r}"
        )

    return read


def duration_s(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A reader of durations with their unit (``s``, ``m``, ``h``, ``d``), in seconds.

    >>> duration_s(1)("10m")
    600.0
    """

    def read(text: str) -> float:
        value = _read_with_unit(text, _SECONDS_OF)
        if value is None or not least <= value <= most:
            span = f" from {write_duration(least)}"
            span += f" to {write_duration(most)}" if most < math.inf else " up"
            raise argparse.ArgumentTypeError(
                f"expected a duration such as 30s, 10m or 1h,{span}, not {text!r}"
            )
        return value

    return read


def byte_count(least: int) -> Callable[[str], int]:
    """A reader of sizes of files with their unit, in bytes: GB are 1000 MB, GiB are 1024 MiB.

    >>> byte_count(1)("1.5GB"), byte_count(1)("1KiB")
    (1500000000, 1024)
    """

    def read(text: str) -> int:
        value = _read_with_unit(text, {**_BYTES_OF, **_BINARY_BYTES_OF})
        if value is None or value < least:
            raise argparse.ArgumentTypeError(
                f"expected a size such as 500MB or 20GB, from {write_byte_count(least)} up, "
                f"not {text!r}"
            )
        return round(value)

    return read


def write_duration(seconds: float) -> str:
    """A duration as :func:`duration_s` reads it: ``600.0`` is ``10m``."""
    for unit, size in _SECONDS_OF.items():
        if seconds % size == 0 and seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def write_byte_count(count: int) -> str:
    """A size as :func:`byte_count` reads it: ``20000000000`` is ``20GB``."""
    unit, size = next((unit, size) for unit, size in _BYTES_OF.items() if count % size == 0)
    return f"{count // size}{unit}"


def _read_with_unit(text: str, sizes: dict[str, int]) -> float | None:
    """The number times its unit's size, in any case of letters; None for anything else."""
    found = _WITH_UNIT.fullmatch(text.strip())
    by_letters = {unit.lower(): size for unit, size in sizes.items()}
    if found is None or found[2].lower() not in by_letters:
        return None
    return float(found[1]) * by_letters[found[2].lower()]
