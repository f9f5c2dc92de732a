"""Hysteresis: a rule begins when it has held for a while, and ends when it has not for as long."""

from __future__ import annotations

#: The most that one step between two frames counts for, in seconds: a clock that jumps, or a camera
#: that was away for an hour, shows nothing of what was between.
LONGEST_STEP_S = 1.0

__all__ = ["Watch"]


class Watch:
    """Follows whether one rule holds, in the frames' own time.

    Attributes:
        active: whether the alert has begun and not ended.
        lasted_s: how long the alert has been active, or the last one was.
    """

    def __init__(self, hold_s: float) -> None:
        self.hold_s = hold_s
        self.active = False
        self.lasted_s = 0.0
        self._against_s: float | None = None
        self._time_s: float | None = None

    def update(self, holds: bool, time_s: float) -> bool:
        """Take the next frame; whether the alert begins or ends with it.

        A time that goes back counts as no time at all.
        """
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        step_s = min(max(step_s, 0.0), LONGEST_STEP_S)
        self._time_s = time_s
        if self.active:
            self.lasted_s += step_s
        if holds == self.active:
            self._against_s = None
            return False
        self._against_s = 0.0 if self._against_s is None else self._against_s + step_s
        # Times are sums of steps: 5 s of them may be a hair less.
        if self._against_s < self.hold_s - 1e-6:
            return False
        self._turn()
        return True

    def stop(self) -> bool:
        """Nothing can be said any more; whether an alert ends by that."""
        was_active = self.active
        self._against_s = None
        if was_active:
            self._turn()
        return was_active

    def _turn(self) -> None:
        self.active = not self.active
        self._against_s = None
        if self.active:
            self.lasted_s = 0.0
