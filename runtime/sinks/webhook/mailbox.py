"""What waits to be posted: events in order, as many as there is room for, and the newest frame."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

MOST_EVENTS = 256

__all__ = ["Letter", "Mailbox"]


@dataclass(frozen=True)
class Letter:
    """A body to post.

    Attributes:
        body: JSON in UTF-8.
        is_event: an event is tried again until it is there; of frames only the newest counts.
        since: when it was written (``time.monotonic``).
    """

    body: bytes
    is_event: bool
    since: float = field(default_factory=time.monotonic)


class Mailbox:
    """Filled by the run, emptied by one thread; nobody waits to put something in.

    Attributes:
        overflowed: events that were dropped since others waited for too long.
    """

    def __init__(self) -> None:
        self.overflowed = 0
        self._events: deque[Letter] = deque()
        self._frame: Letter | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, letter: Letter) -> None:
        """Put a letter in; the oldest event is dropped for a new one if there is no room."""
        with self._changed:
            if not letter.is_event:
                self._frame = letter
            else:
                if len(self._events) == MOST_EVENTS:
                    self._events.popleft()
                    self.overflowed += 1
                self._events.append(letter)
            self._changed.notify_all()

    def take(self) -> Letter | None:
        """The next letter, events first; waits for one. None once it is closed and empty."""
        with self._changed:
            while not self._events and self._frame is None and not self._closed:
                self._changed.wait()
            if self._events:
                return self._events.popleft()
            letter, self._frame = self._frame, None
            return letter

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def count_events(self) -> int:
        """How many events wait."""
        with self._changed:
            return len(self._events)
