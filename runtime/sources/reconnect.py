"""How long a live source may stay away, how often it is asked again, and what is told of it."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable

from runtime.errors import SourceGoneError
from runtime.sources.frame import log

START_TIMEOUT_S = 10.0
#: The pause before the second attempt; each is longer than the last one, up to the cap.
FIRST_PAUSE_S = 0.25
PAUSE_GROWTH = 1.6
LONGEST_PAUSE_S = 3.0
#: A pause is shortened by chance down to this share, so that the sources of many devices do not
#: all ask a server that has come back at the same moment.
LEAST_OF_PAUSE = 0.75
#: A live source that gives no picture for so long is opened again, its connection or not.
STALL_S = 5.0

__all__ = ["ReconnectTimer", "StalledError"]


class StalledError(OSError):
    """A source gives no picture any more although nobody has closed it."""


def _tell_nobody(kind: str, text: str, **facts: object) -> None:
    pass


class ReconnectTimer:
    """Watches one live source: pauses between attempts, and the moment to give up.

    Without ``timeout_s`` the source has 10 s to appear at the start and any time to come back
    later; with it, that many seconds hold for both. ``tell`` hears of changes: ``source-stalled``
    and ``source-lost`` with a ``reason``, ``source-back`` with ``away_s``, the seconds without a
    picture. A stalled source that cannot be opened again is lost.
    """

    def __init__(
        self, what: str, timeout_s: float | None, tell: Callable[..., None] = _tell_nobody
    ) -> None:
        self.what = what
        self.timeout_s = timeout_s
        self.had_frames = False
        self._tell = tell
        self._told: str | None = None
        self._away = True
        self._last_seen = time.monotonic()
        self._pause_s = FIRST_PAUSE_S

    def begin(self) -> None:
        """Count from now on: what was done before the first attempt is not the source's fault."""
        if not self.had_frames:
            self._last_seen = time.monotonic()

    def resume(self) -> None:
        """Go on for a timer of another process, whose source had frames until now."""
        self.had_frames, self._away = True, False
        self._last_seen = time.monotonic()

    @property
    def limit_s(self) -> float:
        """Seconds the source may be away now."""
        if self.timeout_s is not None:
            return self.timeout_s
        return math.inf if self.had_frames else START_TIMEOUT_S

    @property
    def away_s(self) -> float:
        """Seconds since its last picture, before the first one since the beginning."""
        return time.monotonic() - self._last_seen

    @property
    def stall_s(self) -> float:
        """Seconds of silence that are a stall: so that time is left to open it again."""
        return max(0.5, min(STALL_S, self.limit_s / 3))

    def remaining_s(self, at_most_s: float) -> float:
        """Seconds an attempt may still take, at least a tenth."""
        return max(0.1, min(at_most_s, self.limit_s - self.away_s))

    def seen_frame(self) -> bool:
        """Note that a frame came; True if the source had been away after frames before."""
        returned = self._away and self.had_frames
        if self._told is not None:
            away_s = round(self.away_s, 3)
            self._told = None
            self._tell("source-back", f"{self.what} is back after {away_s:g} s", away_s=away_s)
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
        away_s = self.away_s
        if away_s >= self.limit_s:
            self.tell_of_absence(reason)
            again = "come back" if self.had_frames else "appeared"
            raise SourceGoneError(
                f"{self.what} has not {again} within {self.limit_s:g} s ({_describe(reason)}); "
                "check that it is on and reachable, or wait longer with --reconnect-timeout"
            )
        pause_s = self._pause_s * random.uniform(LEAST_OF_PAUSE, 1.0)
        if stop.wait(min(pause_s, self.limit_s - away_s)):
            return
        if broke_off:
            log.warning("%s broke off (%s); trying again", self.what, _describe(reason))
        self.tell_of_absence(reason)
        self._pause_s = min(self._pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)

    def tell_of_absence(self, reason: Exception | None) -> None:
        """Tell once that the source is stalled, and once that it is lost."""
        if self._told == "source-lost":
            return
        why = _describe(reason)
        if self._told is None and self.had_frames and isinstance(reason, StalledError):
            self._told, words = "source-stalled", "gives no picture any more"
        elif self.had_frames:
            self._told, words = "source-lost", "is lost"
        else:
            self._told, words = "source-lost", "is not there yet"
        self._tell(self._told, f"{self.what} {words} ({why})", reason=why)


def _describe(reason: Exception | None) -> str:
    if reason is None:
        return "it ended"
    if type(reason).__name__ == "ExitError":  # how PyAV's timeout ends a call of FFmpeg's
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
