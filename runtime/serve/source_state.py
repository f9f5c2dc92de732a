"""In which state a stream's source is, as a page and a monitor show it."""

from __future__ import annotations

import time

from runtime.events import Event

#: A live source without a frame for so long is called silent, though nobody has said that it broke.
SILENT_S = 5.0
#: A stream without a frame for so long is not ready.
READY_S = 15.0
#: What the kinds of a source's events end with while it is away.
_AWAY = ("lost", "away", "stalled", "gone", "absent", "retry", "retrying", "failed")

STATES = ("starting", "running", "silent", "away", "ended")

__all__ = ["STATES", "SourceState"]


class SourceState:
    """One of :data:`STATES`; from any thread.

    Attributes:
        frame_at: when the last frame came (``time.monotonic``), None before the first.
        since: when the state was told last, in seconds since 1970.
    """

    def __init__(self) -> None:
        self.frame_at: float | None = None
        self.since = time.time()
        self._said = "starting"

    def saw_frame(self, now: float) -> None:
        """A frame came at ``now`` (``time.monotonic``)."""
        self.frame_at = now
        if self._said != "running":
            self._say("running")

    def heard(self, event: Event) -> None:
        """An event of the stream; those of its source count."""
        if event.kind.startswith(("source-", "stream-")) and event.kind.endswith(_AWAY):
            self._say("away")

    def end(self) -> None:
        """No frame will come any more."""
        self._say("ended")

    def word(self, live: bool) -> str:
        """The state now, of a live source or another."""
        if self._said == "running" and live and not self._is_fresh(SILENT_S):
            return "silent"
        return self._said

    def is_ready(self) -> bool:
        """Whether frames come."""
        return self._said == "running" and self._is_fresh(READY_S)

    def _is_fresh(self, within_s: float) -> bool:
        return self.frame_at is not None and time.monotonic() - self.frame_at < within_s

    def _say(self, word: str) -> None:
        self._said, self.since = word, time.time()
