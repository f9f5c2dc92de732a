"""Changes of state that a person or a program wants to hear of: a source lost, a size changed.

A source tells its stream (:meth:`~runtime.sources.frame.Source.tell`), the stream tells its sinks
(:meth:`~runtime.sinks.base.Sink.note`); what is no source's own (an alert, a failing output) comes
in by :meth:`~runtime.stream.stream.Stream.tell`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How many of the last events are kept for the report: a stream may run for months.
KEPT_EVENTS = 100

__all__ = ["Event", "EventHistory"]


@dataclass(frozen=True)
class Event:
    """One change of state.

    Attributes:
        kind: what happened, in lower case with hyphens, such as ``"source-lost"``.
        stream: the name of the stream.
        text: the same for people, one line, without secrets.
        facts: further plain values of this kind of event, as JSON can hold them.
        at_s: when, in seconds since 1970 (``time.time``).
    """

    kind: str
    stream: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    at_s: float = field(default_factory=time.time)

    def record(self) -> dict[str, Any]:
        """The event as one flat JSON object; ``event`` is its kind."""
        return {
            "event": self.kind,
            "stream": self.stream,
            "at_s": round(self.at_s, 3),
            "text": self.text,
            **self.facts,
        }


class EventHistory:
    """How often each kind of event has been, and the last ones; from any thread."""

    def __init__(self, most: int = KEPT_EVENTS) -> None:
        self._counts: Counter[str] = Counter()
        self._last: deque[Event] = deque(maxlen=most)
        self._changing = threading.Lock()

    def add(self, event: Event) -> None:
        """Keep one event, the oldest one goes for it where there are too many."""
        with self._changing:
            self._counts[event.kind] += 1
            self._last.append(event)

    def record(self) -> dict[str, Any]:
        """``counts`` by kind, all events ever, and the ``last`` ones as JSON objects."""
        with self._changing:
            return {"counts": dict(self._counts), "last": [one.record() for one in self._last]}
