"""The progress bar of a run."""

from __future__ import annotations

import sys
from typing import Any

from runtime.cli.config import SessionConfig
from runtime.sources.frame import Source
from runtime.stream.statistics import RunStatistics

__all__ = ["Progress"]


class Progress:
    """A progress bar on stderr, only on a terminal and only for runs of over two seconds."""

    def __init__(self, config: SessionConfig, source: Source) -> None:
        self._bar: Any = None
        if config.running.quiet or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        total, most = source.frame_count, config.sources.max_frames
        if total is not None:
            total = -(-total // config.sources.every)
        if most is not None:
            total = min(total or most, most)
        self._bar = tqdm(total=total, unit="frame", delay=2, leave=False, dynamic_ncols=True)

    def update(self, statistics: RunStatistics) -> None:
        """Show one more frame."""
        if self._bar is not None:
            self._bar.update(1)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
