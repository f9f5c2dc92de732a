"""What every figure is put together from: panels in rows, words on them, a legend below.

All canvases are BGR uint8 (h, w, 3); heights of letters are in pixels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.figures.colors import Color

PAPER: Color = (255, 255, 255)
INK: Color = (40, 40, 40)
GAP = 8  # pixels between panels
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FULL_HEIGHT = 30  # of the font's capitals with their descent at scale 1


def blank(width: int, height: int) -> np.ndarray:
    """White paper."""
    return np.full((height, width, 3), PAPER, np.uint8)


def text_width(text: str, height: int) -> int:
    """Pixels that ``text`` takes in letters of ``height``."""
    (width, _), _ = cv2.getTextSize(_plain(text), _FONT, height / _FULL_HEIGHT, 1)
    return int(width)


def draw_text(
    canvas: np.ndarray, text: str, left_top: tuple[int, int], height: int, color: Color = INK
) -> None:
    """Write in place; letters that OpenCV's font lacks lose their accents or become "?"."""
    base = (left_top[0], left_top[1] + round(0.8 * height))
    scale = height / _FULL_HEIGHT
    cv2.putText(canvas, _plain(text), base, _FONT, scale, color, 1, cv2.LINE_AA)


def draw_centred(
    canvas: np.ndarray, text: str, box: tuple[int, int, int, int], height: int
) -> None:
    """Write in the middle of (left, top, width, height), in smaller letters where it would not
    fit.
    """
    left, top, width, room = box
    while height > 8 and text_width(text, height) > width:
        height -= 1
    start = left + max(0, (width - text_width(text, height)) // 2)
    draw_text(canvas, text, (start, top + (room - height) // 2), height)


def draw_outlined(canvas: np.ndarray, text: str, left_top: tuple[int, int], height: int) -> None:
    """White letters with a dark rim: readable on any color."""
    left, top = left_top
    for right, down in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        draw_text(canvas, text, (left + right, top + down), height, (0, 0, 0))
    draw_text(canvas, text, left_top, height, (255, 255, 255))


def fit(image: np.ndarray, size_wh: tuple[int, int], *, flat: bool = False) -> np.ndarray:
    """Bring an image to a size: areas averaged when it shrinks, cubic when it grows; flat colors
    (labels) keep their edges.
    """
    if (image.shape[1], image.shape[0]) == size_wh:
        return image
    shrinks = image.shape[1] >= size_wh[0] and image.shape[0] >= size_wh[1]
    smooth = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_NEAREST if flat else smooth)


def lay_out(
    rows: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
    notes: Sequence[Sequence[str]] | None = None,
    *,
    letters: int = 20,
) -> np.ndarray:
    """Panels of one size in rows, a title over each column, a note under each panel if given."""
    height, width = rows[0][0].shape[:2]
    head = round(1.7 * letters)
    foot = round(1.3 * letters) if notes else 0
    columns = len(rows[0])
    step_x, step_y = width + GAP, height + foot + GAP
    canvas = blank(columns * step_x + GAP, head + len(rows) * step_y)
    for column, title in enumerate(titles):
        draw_centred(canvas, title, (GAP + column * step_x, 0, width, head), letters)
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            left, top = GAP + column * step_x, head + row * step_y
            canvas[top : top + height, left : left + width] = panel
            if notes:
                box = (left, top + height, width, foot)
                draw_centred(canvas, notes[row][column], box, round(0.8 * letters))
    return canvas


def make_legend(
    entries: Sequence[tuple[str, Color]], width: int, *, letters: int = 20
) -> np.ndarray:
    """Swatches with names in as many lines as they need at ``width``."""
    swatch, line = round(1.1 * letters), round(1.8 * letters)
    places: list[tuple[int, int]] = []
    left, top = GAP, 0
    for name, _ in entries:
        needed = swatch + letters // 2 + text_width(name, letters) + letters
        if left > GAP and left + needed > width:
            left, top = GAP, top + line
        places.append((left, top))
        left += needed
    canvas = blank(width, top + line if entries else 0)
    for (name, color), (left, top) in zip(entries, places, strict=True):
        corner = (left, top + (line - swatch) // 2)
        other = (left + swatch, corner[1] + swatch)
        cv2.rectangle(canvas, corner, other, color, -1)
        cv2.rectangle(canvas, corner, other, INK, 1)
        draw_text(canvas, name, (other[0] + letters // 2, top + (line - letters) // 2), letters)
    return canvas


def stack(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Canvases one under the other, the narrow ones filled up with paper at the right."""
    width = max(part.shape[1] for part in parts)
    canvas = blank(width, sum(part.shape[0] for part in parts))
    top = 0
    for part in parts:
        canvas[top : top + part.shape[0], : part.shape[1]] = part
        top += part.shape[0]
    return canvas


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    kept = (letter for letter in apart if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in kept)
