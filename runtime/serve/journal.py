"""What happened to a stream: its last events, each with a picture of the moment."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.redaction import redact_record

if TYPE_CHECKING:
    from runtime.events import Event

MOST_EVENTS = 100

__all__ = ["Entry", "Journal"]


@dataclass
class Entry:
    """One event.

    Attributes:
        number: counted from 1 over the stream's run.
        event: what happened.
        snapshot: a JPEG, None where no frame had come yet or it is not drawn yet.
    """

    number: int
    event: Event
    snapshot: bytes | None = None

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        event = self.event
        return redact_record(
            {
                "number": self.number,
                "event": event.kind,
                "stream": event.stream,
                "at_s": round(event.at_s, 3),
                "text": event.text,
                "facts": dict(event.facts),
                "snapshot": self.snapshot is not None,
            }
        )


class Journal:
    """The last events of one stream; from any thread."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_EVENTS)
        self._changing = threading.Lock()
        self.counts: dict[str, int] = {}

    def add(self, event: Event) -> Entry:
        """Write an event down; gives its entry, which may get a snapshot later."""
        with self._changing:
            entry = Entry(sum(self.counts.values()) + 1, event)
            self.counts[event.kind] = self.counts.get(event.kind, 0) + 1
            self._entries.append(entry)
            return entry

    def entries(self, after: int = 0) -> list[Entry]:
        """Those with larger numbers, oldest first."""
        with self._changing:
            return [entry for entry in self._entries if entry.number > after]

    def find(self, number: int) -> Entry | None:
        """The one with this number, if it is kept."""
        with self._changing:
            return next((one for one in self._entries if one.number == number), None)
