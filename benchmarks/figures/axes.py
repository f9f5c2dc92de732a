"""Curves in a frame with ticks, drawn with OpenCV."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.figures.canvas import INK, blank, draw_centred, draw_text, text_width
from benchmarks.figures.colors import Color

_GRID: Color = (228, 228, 228)
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 40, 60
LETTERS = 18


class Axes:
    """A frame with ticks; ``canvas`` BGR uint8 (h, w, 3) is the drawing.

    Args:
        size_wh: of the whole drawing in pixels.
        title: above the frame.
        x_label: below it.
        x_range: values at the frame's left and right.
        y_range: values at its bottom and top.
    """

    def __init__(
        self,
        size_wh: tuple[int, int],
        title: str,
        x_label: str,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
    ) -> None:
        width, height = size_wh
        self.canvas = blank(width, height)
        self.x_range, self.y_range = _open_up(x_range), _open_up(y_range)
        self.inner = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
        draw_centred(self.canvas, title, (_LEFT, 0, width - _LEFT - _RIGHT, _TOP), LETTERS + 2)
        box = (_LEFT, height - LETTERS - 10, width - _LEFT - _RIGHT, LETTERS + 4)
        draw_centred(self.canvas, x_label, box, LETTERS)
        self._draw_ticks()
        left, top, right, bottom = self.inner
        cv2.rectangle(self.canvas, (left, top), (right, bottom), INK, 1)

    def place(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a point."""
        left, top, right, bottom = self.inner
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return round(left + across * (right - left)), round(bottom - up * (bottom - top))

    def draw_line(
        self,
        points: Sequence[tuple[float, float]],
        color: Color,
        *,
        thickness: int = 2,
        dots: bool = False,
    ) -> None:
        """A line through the points, cut at the frame, with a dot on each if wanted."""
        left, top, right, bottom = self.inner
        inside = self.canvas[top : bottom + 1, left : right + 1]
        places = [self.place(x, y) for x, y in points]
        corners = np.array([(x - left, y - top) for x, y in places], np.int32).reshape(-1, 1, 2)
        cv2.polylines(inside, [corners], False, color, thickness, cv2.LINE_AA)
        if dots:
            for x, y in places:
                cv2.circle(inside, (x - left, y - top), 4, color, -1, cv2.LINE_AA)

    def say(self, text: str) -> None:
        """A few words in the middle of the frame."""
        left, top, right, bottom = self.inner
        draw_centred(self.canvas, text, (left, top, right - left, bottom - top), LETTERS)

    def _draw_ticks(self) -> None:
        left, top, right, bottom = self.inner
        for value in find_ticks(*self.x_range):
            x, _ = self.place(value, self.y_range[0])
            cv2.line(self.canvas, (x, top), (x, bottom), _GRID, 1)
            text = f"{value:g}"
            start = min(x - text_width(text, LETTERS) // 2, right - text_width(text, LETTERS))
            draw_text(self.canvas, text, (start, bottom + 6), LETTERS)
        for value in find_ticks(*self.y_range):
            _, y = self.place(self.x_range[0], value)
            cv2.line(self.canvas, (left, y), (right, y), _GRID, 1)
            text = f"{value:g}"
            start = left - 8 - text_width(text, LETTERS)
            draw_text(self.canvas, text, (start, y - LETTERS // 2), LETTERS)


def find_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most about ``most`` round values from ``low`` to ``high``.

    >>> find_ticks(0, 8500)
    [0.0, 2000.0, 4000.0, 6000.0, 8000.0]
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Centred running mean float64 (n,); at the ends over what is there.

    >>> smooth([0, 3, 6, 3], 3).tolist()
    [1.5, 3.0, 4.0, 4.5]
    """
    half = window // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def _open_up(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    return (low, high) if high > low else (low, low + 1.0)
