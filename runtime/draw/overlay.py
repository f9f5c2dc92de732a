"""Labels drawn over a frame: a color for each class, and a legend that names them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from runtime.draw.palette import palette

if TYPE_CHECKING:
    import numpy as np

# Letters that Unicode does not take apart into a plain one and an accent.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "ı": "i"})

__all__ = ["draw_labels", "draw_legend"]


def draw_labels(frame_bgr: np.ndarray, labels: np.ndarray, opacity: float = 0.55) -> np.ndarray:
    """A new frame, BGR uint8 (H, W, 3): the classes' colors laid over; label 255 stays as it was.

    ``labels`` uint8 (H, W) at the frame's size; ``opacity`` in [0, 1].
    """
    import cv2
    import numpy as np

    table = np.zeros((256, 1, 3), dtype=np.uint8)
    table[:255, 0] = palette(255)
    colors = cv2.applyColorMap(np.ascontiguousarray(labels), table)
    blended = cv2.addWeighted(frame_bgr, 1.0 - opacity, colors, opacity, 0.0)
    # Not cv2.compare: OpenCV 5 takes a label map of one pixel for a number, and raises.
    cv2.copyTo(frame_bgr, np.equal(labels, 255).view(np.uint8), blended)
    return blended


def draw_legend(frame_bgr: np.ndarray, names: Sequence[str], areas: Mapping[str, float]) -> None:
    """Draw, in place at the top left, the classes that are there: largest first, with their share.

    As many as fit the frame's height; frames too small to read anything on stay as they are.
    """
    import cv2

    height, width = frame_bgr.shape[:2]
    scale = max(0.4, height / 900)
    line = round(26 * scale)
    shown = [index for index, name in enumerate(names) if areas.get(name, 0.0) > 0.0]
    shown.sort(key=lambda index: -areas[names[index]])
    shown = shown[: max((height - line) // line, 0)]
    if not shown or width < 8 * line:
        return
    texts = [f"{_drawable(names[index], index)} {areas[names[index]]:.0%}" for index in shown]
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(1.5 * scale))
    longest = max(cv2.getTextSize(text, font, scale * 0.7, thickness)[0][0] for text in texts)
    right = min(width, longest + round(2.2 * line))
    box = frame_bgr[: line * len(shown) + line // 2, :right]
    box[...] = box // 3
    for place, (index, text) in enumerate(zip(shown, texts, strict=True)):
        top = line // 4 + place * line
        color = tuple(int(value) for value in palette(255)[index])
        corner = (line // 3, top + line // 6)
        cv2.rectangle(frame_bgr, corner, (corner[0] + line, top + line - line // 6), color, -1)
        at = (corner[0] + line + line // 3, top + round(line * 0.75))
        cv2.putText(frame_bgr, text, at, font, scale * 0.7, (255, 255, 255), thickness, cv2.LINE_AA)


def _drawable(name: str, index: int) -> str:
    """The name in the ASCII that OpenCV's fonts have: accents dropped, else the label's number."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain if plain.isascii() else f"class {index}"
