"""Changes that a source goes on in spite of: another size or codec, a clock that was set."""

from __future__ import annotations

import time
from collections.abc import Callable

from runtime.sources.frame import log

#: More between two pictures is a clock that was set, not one that is drawn along (NTP: 0.5 ms/s).
WALL_STEP_S = 1.0
#: A live stream's own stamps: back by more, or away from the clock by more, and they have jumped.
STAMP_BACK_S = 1.0
STAMP_STEP_S = 10.0

__all__ = ["ChangeWatch"]


class ChangeWatch:
    """Looks at the pictures of one source and tells what has changed between two of them.

    Told are ``size-changed`` (``from_wh``, ``to_wh``), ``codec-changed`` (``from_codec``,
    ``to_codec``) and ``clock-stepped`` (``clock``: ``system`` for this machine's time of day,
    ``stream`` for a live stream's own stamps; ``step_s``, the seconds it jumped). Times of live
    frames come from a clock that is never set (``time.perf_counter``), so that none of it moves
    them.

    Args:
        what: what the source is called.
        tell: hears of each change; see :meth:`~runtime.sources.frame.Source.tell`.
        loud: whether changes are logged as warnings too.
        wall: the machine's time of day in seconds.
        steady: a clock in seconds that is never set.
    """

    def __init__(
        self,
        what: str,
        tell: Callable[..., None],
        *,
        loud: bool = True,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.what = what
        self._tell = tell
        self._loud = loud
        self._wall, self._steady = wall, steady
        self._size_wh: tuple[int, int] | None = None
        self._codec: str | None = None
        self._offset_s = wall() - steady()
        self._stamp: tuple[float, float] | None = None

    def see_size(self, size_wh: tuple[int, int]) -> None:
        """Note a picture's width and height."""
        before, self._size_wh = self._size_wh, size_wh
        if before is not None and before != size_wh:
            text = f"pictures are now {size_wh[0]}x{size_wh[1]}, before {before[0]}x{before[1]}"
            self._say("size-changed", text, from_wh=list(before), to_wh=list(size_wh))

    def see_codec(self, codec: str) -> None:
        """Note the codec of an opened stream, by FFmpeg's name for it."""
        before, self._codec = self._codec, codec
        self._stamp = None  # stamps may start over with each connection
        if before is not None and before != codec:
            text = f"the codec is now {codec}, before {before}"
            self._say("codec-changed", text, from_codec=before, to_codec=codec)

    def see_time(self, stamp_s: float | None = None) -> None:
        """Note that a picture came now, with the stamp of its live stream where it has one."""
        now_s = self._steady()
        offset_s = self._wall() - now_s
        step_s, self._offset_s = offset_s - self._offset_s, offset_s
        if abs(step_s) > WALL_STEP_S:
            text = f"the time of day of this machine jumped by {step_s:+.1f} s"
            self._say("clock-stepped", text, clock="system", step_s=round(step_s, 3))
        if stamp_s is None:
            return
        if self._stamp is not None:
            forward_s = stamp_s - self._stamp[0]
            step_s = forward_s - (now_s - self._stamp[1])
            if forward_s < -STAMP_BACK_S or abs(step_s) > STAMP_STEP_S:
                text = f"the time stamps of the stream jumped by {step_s:+.1f} s"
                self._say("clock-stepped", text, clock="stream", step_s=round(step_s, 3))
        self._stamp = stamp_s, now_s

    def _say(self, kind: str, text: str, **facts: object) -> None:
        if self._loud:
            log.warning("%s: %s", self.what, text)
        self._tell(kind, f"{self.what}: {text}", **facts)
