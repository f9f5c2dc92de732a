"""How far an archive is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from runtime.paced_lines import PacedLines

__all__ = ["ArchiveProgress"]


def _say(line: str) -> None:
    print(f"python -m runtime.archive: {line}", file=sys.stderr, flush=True)


class ArchiveProgress:
    """Counts finished videos, and says how many frames a second were labelled so far.

    Args:
        total: how many videos there are.
        done: how many of them were finished before.
        quiet: show nothing.
    """

    def __init__(self, total: int, done: int, *, quiet: bool = False) -> None:
        self._bar: Any = None
        self._lines: PacedLines | None = None
        self._frames = 0
        self._began_s = time.monotonic()
        if quiet:
            return
        if not sys.stderr.isatty():
            self._lines = PacedLines(_say, "videos done:", total, done=done)
            return
        from tqdm import tqdm

        self._bar = tqdm(total=total, initial=done, unit="video", leave=False, dynamic_ncols=True)

    def add_frames(self, frames: int) -> None:
        """Count labelled frames."""
        self._frames += frames
        rate = self._frames / max(time.monotonic() - self._began_s, 1e-3)
        note = f"{self._frames} frames, {rate:.1f} frames/s"
        if self._bar is not None:
            self._bar.set_postfix_str(note)
        elif self._lines is not None:
            self._lines.note = note
            self._lines.advance(0)

    def add_video(self) -> None:
        """Count a finished video."""
        if self._bar is not None:
            self._bar.update(1)
        elif self._lines is not None:
            self._lines.advance()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
