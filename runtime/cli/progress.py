"""The progress bar of a run."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from runtime.sources.frame import Source
from runtime.stream.statistics import RunStatistics


class Progress:
    """A progress bar on stderr, only on a terminal and only for runs of over two seconds."""

    def __init__(self, options: argparse.Namespace, source: Source) -> None:
        self._bar: Any = None
        if options.quiet or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        total = source.frame_count
        if total is not None:
            total = -(-total // options.every)
        if options.max_frames is not None:
            total = min(total or options.max_frames, options.max_frames)
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
