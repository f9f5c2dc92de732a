"""Ctrl-C and its kin: from the first moment on, and without losing an output."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

from runtime.command import INTERRUPTED


class StopSignals:
    """Turns SIGINT, SIGTERM and SIGHUP into an event while ``graceful``, else into an exception.

    The handlers are set even where the parent ignored the signals (as shells do for background
    jobs), except SIGHUP (nohup means it). A second signal after two seconds ends the process.
    """

    SIGNALS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.event = threading.Event()
        self.graceful = False
        self._first_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if ignored and number == getattr(signal, "SIGHUP", None):
                    continue
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        if not self.graceful:
            raise KeyboardInterrupt
        now = time.monotonic()
        if not self.event.is_set():
            self._first_at = now
            self.event.set()
        elif now - self._first_at > 2.0:
            os._exit(INTERRUPTED)
