"""How far a run is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from runtime.paced_lines import PacedLines
from runtime.stream.statistics import RunStatistics
from runtime.stream.stream import Stream

#: Seconds between two lines of a run that has no end to tell of.
HEARTBEAT_S = 60.0

__all__ = ["Progress"]


def _say(line: str) -> None:
    print(f"mgca-rt: {line}", file=sys.stderr, flush=True)


class Progress:
    """A bar on stderr for runs of over two seconds.

    Without a terminal, a line every ten seconds of how many frames are done; of live sources, a
    line a minute of how each stream does.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._streams = list(streams)
        self._bar: Any = None
        self._lines: PacedLines | None = None
        self._clock = clock
        self._next_s = clock() + HEARTBEAT_S
        self._before = [0] * len(self._streams)
        self._quiet = quiet
        if quiet:
            return
        totals = [_count_frames(stream) for stream in self._streams]
        total = None if None in totals else sum(one or 0 for one in totals)
        if not sys.stderr.isatty():
            self._lines = PacedLines(_say, "frames done:", total, clock=clock)
            return
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="frame", delay=2, leave=False, dynamic_ncols=True)

    def update(self, statistics: RunStatistics) -> None:
        """Show one more frame."""
        if self._bar is not None:
            self._bar.update(1)
        elif self._lines is not None and not any(one.source.live for one in self._streams):
            self._lines.advance()

    def beat(self) -> None:
        """Called now and then, also while no frame comes: says how live streams do."""
        live = any(stream.source.live for stream in self._streams)
        if self._lines is None or not live or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + HEARTBEAT_S
        _say("; ".join(self._describe(number) for number in range(len(self._streams))))

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _describe(self, number: int) -> str:
        """One stream's last minute: ``cam0 9.8 frames/s, 1224 done, 310 dropped, 0 reconnects``."""
        stream = self._streams[number]
        counted = stream.statistics
        new = counted.frames_processed - self._before[number]
        self._before[number] = counted.frames_processed
        state = "over, " if stream.is_over() else ""
        return (
            f"{stream.name} {state}{new / HEARTBEAT_S:.1f} frames/s, "
            f"{counted.frames_processed} done, {counted.frames_dropped} dropped, "
            f"{stream.source.reconnects} reconnects"
        )


def _count_frames(stream: Stream) -> int | None:
    """How many frames a stream will process, None where nobody knows."""
    total, most = stream.source.frame_count, stream.max_frames
    if total is not None:
        total = -(-total // stream.every)
    return total if most is None else min(total or most, most)
