"""Draws and encodes a stream's newest frame, once for each view that somebody watches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from runtime.serve.clip import IDLE_FPS, ClipRing
from runtime.serve.views import View, draw_view, encode_jpeg

if TYPE_CHECKING:
    from runtime.serve.journal import Entry
    from runtime.sinks.base import SegmentedFrame

#: No eye needs more, and a file may be read much faster.
MOST_FPS = 25.0
#: What snapshots and clips show where no such view is watched.
KEPT = View("overlay", 640)

__all__ = ["KEPT", "MOST_FPS", "Painter"]


class Painter:
    """A thread that takes the newest frame when it is done with the last; what came between is not
    drawn. Handing a frame over costs its sender nothing.

    Attributes:
        ring: the last seconds.
    """

    def __init__(self, publish: Callable[[Mapping[View, bytes]], None]) -> None:
        self.ring = ClipRing()
        self._publish = publish
        self._item: SegmentedFrame | None = None
        self._is_new = False
        self._wanted: frozenset[View] = frozenset()
        self._missing_snapshot: deque[Entry] = deque(maxlen=16)
        self._kept_at = 0.0
        self._closed = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="page painter", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def offer(self, item: SegmentedFrame) -> None:
        """The newest frame; raises what ended the thread before its time."""
        if self._error is not None:
            raise self._error
        with self._changed:
            self._item, self._is_new = item, True
            self._changed.notify()

    def want(self, views: frozenset[View]) -> None:
        """The views that are watched from now on; the newest frame is drawn for new ones."""
        with self._changed:
            news = views - self._wanted
            self._wanted = views
            if news and self._item is not None:
                self._is_new = True
                self._changed.notify()

    def want_snapshot(self, entry: Entry) -> None:
        """Give an event a picture of the moment."""
        with self._changed:
            self._missing_snapshot.append(entry)
            self._changed.notify()

    def draw_now(self, view: View) -> bytes | None:
        """The newest frame's JPEG, in the caller's thread; None before the first frame."""
        item = self._item
        return None if item is None else encode_jpeg(draw_view(item, view))

    def close(self) -> None:
        """End the thread; what was offered last is still drawn."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._paint_all()
        except Exception as error:
            self._error = error

    def _paint_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if self._closed and not self._is_new:
                    return
                item, wanted = self._item, self._wanted
                is_new, self._is_new = self._is_new, False
                entries = tuple(self._missing_snapshot) if item is not None else ()
                if entries:
                    self._missing_snapshot.clear()
            started = time.monotonic()
            if item is not None:
                self._paint(item, wanted if is_new else frozenset(), entries)
            rest_s = started + 1 / MOST_FPS - time.monotonic()
            if rest_s > 0 and not self._closed:
                time.sleep(rest_s)

    def _has_work(self) -> bool:
        snapshot = bool(self._missing_snapshot) and self._item is not None
        return self._closed or self._is_new or snapshot

    def _paint(
        self, item: SegmentedFrame, wanted: frozenset[View], entries: tuple[Entry, ...]
    ) -> None:
        now = time.monotonic()
        pictures = {view: encode_jpeg(draw_view(item, view)) for view in wanted}
        is_due = now - self._kept_at >= 1 / IDLE_FPS
        kept = next((pictures[view] for view in pictures if _can_be_kept(view)), None)
        if kept is None and (entries or is_due):
            kept = encode_jpeg(draw_view(item, KEPT))
        if kept is not None:
            self._kept_at = now
            self.ring.add(now, kept)
        for entry in entries:
            entry.snapshot = kept
        if pictures:
            self._publish(pictures)


def _can_be_kept(view: View) -> bool:
    """Whether what is watched will do for snapshots and clips."""
    return view.kind == KEPT.kind and view.width >= KEPT.width
