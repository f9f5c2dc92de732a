"""How long a live source may stay away, and how often it is asked again."""

from __future__ import annotations

import math
import threading
import time

from runtime.errors import SourceGoneError
from runtime.sources.frame import log

START_TIMEOUT_S = 10.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0


class ReconnectTimer:
    """Watches one live source: pauses between attempts, and the moment to give up.

    Without ``timeout_s`` the source has 10 s to appear at the start and any time to come back
    later; with it, that many seconds hold for both.
    """

    def __init__(self, what: str, timeout_s: float | None) -> None:
        self.what = what
        self.timeout_s = timeout_s
        self.had_frames = False
        self._away = True
        self._last_seen = time.monotonic()
        self._pause_s = FIRST_PAUSE_S

    @property
    def limit_s(self) -> float:
        """Seconds the source may be away now."""
        if self.timeout_s is not None:
            return self.timeout_s
        return math.inf if self.had_frames else START_TIMEOUT_S

    def remaining_s(self, at_most_s: float) -> float:
        """Seconds an attempt may still take, at least a tenth."""
        away_s = time.monotonic() - self._last_seen
        return max(0.1, min(at_most_s, self.limit_s - away_s))

    def seen_frame(self) -> bool:
        """Note that a frame came; True if the source had been away after frames before."""
        returned = self._away and self.had_frames
        self._away = False
        self.had_frames = True
        self._last_seen = time.monotonic()
        self._pause_s = FIRST_PAUSE_S
        return returned

    def wait(self, stop: threading.Event, reason: Exception | None) -> None:
        """Pause before the next attempt; raises ``SourceGoneError`` once the time is over.

        The end of a run is no break: with ``stop`` set, also during the pause, nothing is said.
        """
        if stop.is_set():
            return
        broke_off, self._away = not self._away, True
        away_s = time.monotonic() - self._last_seen
        if away_s >= self.limit_s:
            again = "come back" if self.had_frames else "appeared"
            raise SourceGoneError(
                f"{self.what} has not {again} within {self.limit_s:g} s ({_describe(reason)}); "
                "check that it is on and reachable, or wait longer with --reconnect-timeout"
            )
        if stop.wait(min(self._pause_s, self.limit_s - away_s)):
            return
        if broke_off:
            log.warning("%s broke off (%s); trying again", self.what, _describe(reason))
        self._pause_s = min(self._pause_s * 1.6, LONGEST_PAUSE_S)


def _describe(reason: Exception | None) -> str:
    if reason is None:
        return "it ended"
    if type(reason).__name__ == "ExitError":  # how PyAV's timeout ends a call of FFmpeg's
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
