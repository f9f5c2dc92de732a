"""The legend: which color is which class, small enough to leave the picture to be seen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.draw.palette import palette

if TYPE_CHECKING:
    import numpy as np

#: Of the frame, what the legend covers at most.
LARGEST_SHARE = 0.25
#: Below, letters are not readable: capitals of OpenCV's font have 8 pixels here, in 4 and in 5.
SMALLEST_FONT = 0.42
MOST_COLUMNS = 6
#: Characters that a line may take, in the order tried: longer ones are cut.
LINE_CHARACTERS = (1000, 24, 16, 11, 8)
LONGEST_NAME = 80

# Letters that Unicode does not take apart into a plain one and an accent.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "ı": "i"})

__all__ = ["draw_legend"]


def draw_legend(
    frame_bgr: np.ndarray,
    names: Sequence[str],
    areas: Mapping[str, float],
    colors_bgr: np.ndarray | None = None,
) -> None:
    """Draw, in place at the top left, the classes that are there, with their share of the frame.

    They stand in the order of ``names``, so that none moves because another grows. It covers a
    quarter of the frame at most: there are columns, long names are cut, and where that is not
    enough the smallest classes are left out and counted (``+3``). Frames too small to read
    anything on stay as they are. ``colors_bgr`` uint8 (255, 3) are the palette's by default.
    """
    there = [index for index, name in enumerate(names) if areas.get(name, 0.0) > 0.0]
    type_size = _TypeSize.for_frame(frame_bgr)
    texts = {
        index: f"{_drawable(names[index], index)} {areas[names[index]]:.0%}" for index in there
    }
    plan = _plan(frame_bgr, type_size, [type_size.width(texts[index]) for index in there])
    if plan is None:
        return
    largest = sorted(there, key=lambda index: -areas[names[index]])[: plan.places]
    left_out = len(there) - len(largest)
    if left_out and plan.places > 1:
        left_out += 1
        largest.pop()
    lines: list[tuple[int | None, str]] = [
        (index, type_size.cut(texts[index], plan.text_width)) for index in sorted(largest)
    ]
    if left_out and plan.places > 1:
        lines.append((None, f"+{left_out}"))
    _draw_lines(
        frame_bgr, type_size, plan, lines, palette(255) if colors_bgr is None else colors_bgr
    )


@dataclass(frozen=True)
class _TypeSize:
    """The font at one size, in pixels."""

    scale: float
    thickness: int
    line: int

    @classmethod
    def for_frame(cls, frame_bgr: np.ndarray) -> _TypeSize:
        height, width = frame_bgr.shape[:2]
        scale = max(SMALLEST_FONT, min(height, 0.75 * width) / 1285)
        return cls(scale, max(1, round(1.8 * scale)), round(40 * scale))

    @property
    def around(self) -> int:
        """What a line has beside its text: the color, and gaps."""
        return 2 * self.line

    def width(self, text: str) -> int:
        import cv2

        return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self.scale, self.thickness)[0][0]

    def cut(self, text: str, most: int) -> str:
        """``text`` no wider than ``most``: of a name and a share, the name loses its end."""
        if self.width(text) <= most:
            return text
        name, _, share = text.rpartition(" ")
        while name and self.width(f"{name}.. {share}") > most:
            name = name[:-1]
        return f"{name.rstrip()}.. {share}"


@dataclass(frozen=True)
class _Plan:
    columns: int
    rows: int
    text_width: int

    @property
    def places(self) -> int:
        return self.columns * self.rows


def _plan(frame_bgr: np.ndarray, type_size: _TypeSize, widths: Sequence[int]) -> _Plan | None:
    """The columns and the width of lines that show most; of those, what cuts least."""
    height, width = frame_bgr.shape[:2]
    best: tuple[int, _Plan] | None = None
    for characters in LINE_CHARACTERS if widths else ():
        text_width = min(max(widths), characters * type_size.width("n"))
        for columns in range(1, MOST_COLUMNS + 1):
            across = columns * (text_width + type_size.around)
            if across > width:
                break
            down = min(height, int(LARGEST_SHARE * height * width / across))
            rows = (down - type_size.line // 2) // type_size.line
            shown = min(rows * columns, len(widths))
            if shown > 0 and (best is None or shown > best[0]):
                best = shown, _Plan(columns, -(-shown // columns), text_width)
    return None if best is None else best[1]


def _draw_lines(
    frame_bgr: np.ndarray,
    type_size: _TypeSize,
    plan: _Plan,
    lines: Sequence[tuple[int | None, str]],
    colors_bgr: np.ndarray,
) -> None:
    import cv2

    line, font, white = type_size.line, cv2.FONT_HERSHEY_SIMPLEX, (255, 255, 255)
    across = plan.text_width + type_size.around
    down = min(plan.rows, len(lines)) * line + line // 2
    box = frame_bgr[:down, : across * -(-len(lines) // plan.rows)]
    box[...] = box // 3  # at most a dark grey: white on it has a contrast of 7 to 1
    for place, (index, text) in enumerate(lines):
        left = line // 3 + place // plan.rows * across
        top = line // 4 + place % plan.rows * line
        gap = max(1, line // 8)
        if index is not None:
            color = tuple(int(level) for level in colors_bgr[index])
            corners = (left, top + gap), (left + line - 2 * gap, top + line - gap)
            cv2.rectangle(frame_bgr, *corners, color, -1)
            cv2.rectangle(frame_bgr, *corners, white, 1)
        at = (left + round(1.2 * line), top + round(line * 0.76))
        cv2.putText(
            frame_bgr, text, at, font, type_size.scale, white, type_size.thickness, cv2.LINE_AA
        )


def _drawable(name: str, index: int) -> str:
    """The name in the ASCII that OpenCV's fonts have: accents dropped, else the label's number."""
    plain = unicodedata.normalize("NFKD", name[:LONGEST_NAME].translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain if plain.isascii() else f"class {index}"
