"""How far a long loop is, as lines of a log: for where there is no terminal to draw a bar on."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS_BETWEEN = 10.0

__all__ = ["SECONDS_BETWEEN", "PacedLines"]


class PacedLines:
    """Says how far a loop is, once every ten seconds at most; short loops say nothing.

    Args:
        say: takes a line.
        name: what is being done.
        total: how many items there are; None where nobody knows.
        done: how many of them are done already.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        name: str,
        total: int | None,
        *,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._name, self._total, self._clock = say, name, total, clock
        self.done, self.note = done, ""
        self._next_s = clock() + SECONDS_BETWEEN

    def advance(self, items: int = 1) -> None:
        """Count items that are done; a line if the last one is ten seconds old.

        ``note``, where it is set, ends the line.
        """
        self.done += items
        now_s = self._clock()
        if now_s < self._next_s:
            return
        self._next_s = now_s + SECONDS_BETWEEN
        of = "" if self._total is None else f" of {self._total}"
        self._say(f"{self._name} {self.done}{of}" + (f", {self.note}" if self.note else ""))
