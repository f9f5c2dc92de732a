"""Sizes, formats and rates as they are typed: ``640x480``, ``640x480@30``, ``640x480@30:nv12``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runtime.errors import UserError

MOST_SIDE = 16_384
MOST_FPS = 1000.0

__all__ = ["ModeText", "read_mode_text"]


@dataclass(frozen=True)
class ModeText:
    """What was typed; None for what was left out.

    Attributes:
        size_wh: width and height in pixels.
        pixel_format: the text behind the colon, in lower case.
        fps: pictures a second.
    """

    size_wh: tuple[int, int]
    pixel_format: str | None
    fps: float | None


def read_mode_text(text: str, flag: str, example: str, with_format: bool = True) -> ModeText:
    """Read ``WxH[@FPS][:FORMAT]``; raises ``UserError`` that names the flag and the example.

    >>> read_mode_text("640x480@29.97:nv12", "--stdin", "")
    ModeText(size_wh=(640, 480), pixel_format='nv12', fps=29.97)
    """
    found = re.fullmatch(
        r"(\d{1,5})x(\d{1,5})(?:@(\d+(?:\.\d+)?))?(?::(\w+))?", text.strip().lower(), re.ASCII
    )
    if found is not None and (with_format or not found[4]):
        size_wh, fps = (int(found[1]), int(found[2])), float(found[3] or 1)
        if 1 <= min(size_wh) and max(size_wh) <= MOST_SIDE and 0.01 <= fps <= MOST_FPS:
            return ModeText(size_wh, found[4], fps if found[3] else None)
    raise UserError(
        f"{flag} {text!r}: expected {example}, each side from 1 to {MOST_SIDE}, at most "
        f"{MOST_FPS:g} frames/s"
    )
