"""How far a run is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from typing import Any

from runtime.cli.config import SessionConfig
from runtime.paced_lines import PacedLines
from runtime.sources.frame import Source
from runtime.stream.statistics import RunStatistics

__all__ = ["Progress"]


def _say(line: str) -> None:
    print(f"mgca-rt: {line}", file=sys.stderr, flush=True)


class Progress:
    """A bar on stderr for runs of over two seconds; without a terminal a line every ten."""

    def __init__(self, config: SessionConfig, source: Source) -> None:
        self._bar: Any = None
        self._lines: PacedLines | None = None
        if config.running.quiet:
            return
        total, most = source.frame_count, config.sources.max_frames
        if total is not None:
            total = -(-total // config.sources.every)
        if most is not None:
            total = min(total or most, most)
        if not sys.stderr.isatty():
            self._lines = PacedLines(_say, "frames done:", total)
            return
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="frame", delay=2, leave=False, dynamic_ncols=True)

    def update(self, statistics: RunStatistics) -> None:
        """Show one more frame."""
        if self._bar is not None:
            self._bar.update(1)
        if self._lines is not None:
            self._lines.advance()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
