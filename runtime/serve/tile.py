"""One stream on the page: its newest frame, its events, what it says about itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runtime.redaction import redact
from runtime.serve.journal import Entry, Journal
from runtime.serve.painter import Painter
from runtime.serve.source_state import SourceState
from runtime.serve.views import View

if TYPE_CHECKING:
    from runtime.events import Event
    from runtime.sinks.base import SegmentedFrame
    from runtime.stream.stream import Stream

#: Rates and latencies are those of so many seconds.
WINDOW_S = 5.0
LATENCY_S = 1.0

__all__ = ["Tile"]


class Tile:
    """A stream as the server knows it. Frames come from the sink's thread, requests from others.

    Attributes:
        name: what it is called in addresses and on the page.
        stream: its words, source, style and statistics.
        journal: its last events.
        painter: what draws its frames.
        state: of its source.
        newest: the last frame with its result, None before the first.
    """

    def __init__(
        self,
        name: str,
        stream: Stream,
        on_pictures: Callable[[Tile, Mapping[View, bytes]], None],
        on_entry: Callable[[Tile, Entry], None],
    ) -> None:
        self.name = name
        self.stream = stream
        self.journal = Journal()
        self.painter = Painter(lambda pictures: on_pictures(self, pictures))
        self.state = SourceState()
        self.newest: SegmentedFrame | None = None
        self._on_entry = on_entry
        self._recent: deque[tuple[float, dict[str, float]]] = deque(maxlen=2048)

    def show(self, item: SegmentedFrame) -> None:
        """Take the next frame."""
        now = time.monotonic()
        self.newest = item
        self._recent.append((now, item.latency_ms))
        self.state.saw_frame(now)
        self.painter.offer(item)

    def hear(self, event: Event) -> None:
        """Take an event."""
        entry = self.journal.add(event)
        self.state.heard(event)
        self.painter.want_snapshot(entry)
        self._on_entry(self, entry)

    def end(self) -> None:
        """The stream has ended."""
        self.state.end()
        self.painter.close()

    def describe(self) -> dict[str, Any]:
        """Everything that the page shows of it, as plain values."""
        stream, item = self.stream, self.newest
        statistics, source = stream.statistics, stream.source
        return {
            "name": self.name,
            "source": {
                "kind": source.kind,
                "name": redact(source.name),
                "live": source.live,
                "state": self.state.word(source.live),
                "since_s": round(self.state.since, 3),
                "reconnects": source.reconnects,
                "size_wh": None if item is None else list(item.frame.size_wh),
                "pixel_aspect": 1.0 if item is None else float(item.frame.pixel_aspect),
            },
            "fps": self._fps(),
            "frames": {
                "in": statistics.frames_in,
                "processed": statistics.frames_processed,
                "dropped": statistics.frames_dropped,
                "skipped": statistics.frames_skipped,
                "spared": statistics.frames_spared,
            },
            "latency_ms": self._latency_ms(),
            "classes": self._classes(),
            "background": [] if stream.segmenter.classes is None else list(self._background()),
            "threshold": stream.segmenter.threshold,
            "opacity": stream.style.opacity,
            "units": stream.segmenter.units,
            "backend": stream.segmenter.backend.name,
        }

    def _background(self) -> tuple[str, ...]:
        queries = self.stream.segmenter.classes
        return () if queries is None else queries.background

    def _classes(self) -> list[dict[str, Any]]:
        queries = self.stream.segmenter.classes
        if queries is None:
            return []
        areas = {} if self.newest is None else self.newest.result.areas
        colors = self.stream.style.colors_bgr(queries.class_names)
        return [
            {
                "name": entry.name,
                "entry": str(entry),
                "words": list(entry.words),
                "color": "#{2:02x}{1:02x}{0:02x}".format(*colors[label].tolist()),
                "area": round(areas.get(entry.name, 0.0), 5),
            }
            for label, entry in enumerate(queries.asked)
        ]

    def _fps(self) -> float:
        now = time.monotonic()
        times = [at for at, _ in tuple(self._recent) if at > now - WINDOW_S]
        if len(times) < 2:
            return 0.0
        return round((len(times) - 1) / max(now - times[0], 1e-3), 2)

    def _latency_ms(self) -> dict[str, float]:
        """The mean of each stage over the last second, at least of the last frame."""
        recent = tuple(self._recent)
        if not recent:
            return {}
        newest_at = recent[-1][0]
        rows = [latency for at, latency in recent if at > newest_at - LATENCY_S]
        return {stage: round(sum(row[stage] for row in rows) / len(rows), 2) for stage in rows[-1]}
