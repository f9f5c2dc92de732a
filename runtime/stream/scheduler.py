"""Whose frame the model sees next: streams take turns, in each the oldest frame goes first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

#: How long to sleep at most; whatever changes wakes the scheduler at once.
POLL_S = 0.1

__all__ = ["Schedulable", "Scheduler"]


class Schedulable(Protocol):
    """What the scheduler asks of a stream; see :class:`~runtime.stream.stream.Stream`."""

    def waiting_since(self) -> float | None:
        """When the newest frame that waits was captured, None if none does."""

    def infer_next(self) -> None:
        """Run the model on that frame."""

    def end_if_exhausted(self) -> bool:
        """Whether nothing will come any more."""


class Scheduler:
    """Shares one model among streams.

    Inference of all streams runs in the thread that calls :meth:`run`, one after another. In a
    round, each stream whose frame waits is served once, the one whose newest frame is oldest first.
    So no stream waits longer than one frame of each other stream, however many frames those have.
    """

    def __init__(self, streams: Sequence[Schedulable]) -> None:
        self._streams = list(streams)
        self._served: set[int] = set()
        self._changed = threading.Condition()
        self._changes = 0

    def wake(self) -> None:
        """Look again: a frame came, or there is room for one. From any thread."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def run(self) -> None:
        """Serve the streams until all are exhausted."""
        while True:
            with self._changed:
                seen = self._changes
            if all([stream.end_if_exhausted() for stream in self._streams]):
                return
            chosen = self.choose()
            if chosen is not None:
                chosen.infer_next()
                continue
            with self._changed:
                if self._changes == seen:
                    self._changed.wait(POLL_S)

    def choose(self) -> Schedulable | None:
        """The stream to serve next, None if no frame waits."""
        waiting = {
            index: since
            for index, stream in enumerate(self._streams)
            if (since := stream.waiting_since()) is not None
        }
        if not waiting:
            return None
        if self._served.issuperset(waiting):  # a new round
            self._served.clear()
        index = min(waiting.keys() - self._served, key=lambda one: (waiting[one], one))
        self._served.add(index)
        return self._streams[index]
