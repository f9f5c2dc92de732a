"""Values of flags, checked while they are parsed: the ``type`` of an argparse argument."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

__all__ = ["number", "size_wh", "whole_number"]


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
