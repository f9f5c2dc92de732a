"""A trace of what was measured, in the Trace Event Format: Perfetto and Chrome open it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.record.files import write_text
from runtime.plain_json import to_plain


class Trace:
    """Spans of time, each on a track; those of one track lie beside or inside each other."""

    def __init__(self) -> None:
        self._origin = perf_counter()
        self._tracks: dict[str, int] = {}
        self._events: list[dict[str, Any]] = []

    def add(self, name: str, track: str, started: float, ended: float, **facts: object) -> None:
        """Note a span.

        Args:
            name: what is shown on it.
            track: the line it stands on.
            started: ``time.perf_counter`` at its start.
            ended: the same at its end.
            facts: shown beside it; plain values.
        """
        event = {"name": name, "cat": track, "ph": "X", "pid": os.getpid()}
        # Whole microseconds for both ends: spans that meet must not overlap by a rounding error.
        begin, end = self._microseconds(started), self._microseconds(ended)
        event |= {"tid": self._number(track), "ts": begin, "dur": end - begin, "args": facts}
        self._events.append(event)

    def write(self, path: Path, facts: Mapping[str, object]) -> None:
        """Write the file; ``facts`` say what was measured.

        Raises:
            UserError: it cannot be written.
        """
        record = {
            "traceEvents": [*self._names(), *self._events],
            "displayTimeUnit": "ms",
            "otherData": facts,
        }
        write_text(path, json.dumps(to_plain(record)) + "\n", "--trace")

    def _number(self, track: str) -> int:
        return self._tracks.setdefault(track, len(self._tracks) + 1)

    def _microseconds(self, at: float) -> int:
        return round(1e6 * (at - self._origin))

    def _names(self) -> list[dict[str, Any]]:
        """The events that name the process and its tracks."""
        named: list[tuple[str, int, str]] = [("process_name", 0, "benchmarks.latency")]
        named += [("thread_name", number, track) for track, number in self._tracks.items()]
        return [
            {"name": kind, "ph": "M", "pid": os.getpid(), "tid": tid, "args": {"name": name}}
            for kind, tid, name in named
        ]
