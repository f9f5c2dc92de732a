"""Ctrl-C and its kin: from the first moment on, and without losing an output."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import Any

from runtime.command import INTERRUPTED

#: What comes sooner after the first signal is the same one: a terminal and a parent both send it.
SAME_SIGNAL_S = 0.5


class StopSignals:
    """Turns SIGINT, SIGTERM and SIGHUP into an event while ``graceful``, else into an exception.

    The handlers are set even where the parent ignored the signals (as shells do for background
    jobs), except SIGHUP (nohup means it). A second signal, half a second later or more, ends the
    process at once, whatever it does: a thread of its own hears it, as a handler in Python must
    wait for the main thread to come back from what it called.

    Attributes:
        event: set by a signal that ends the run.
        graceful: whether it is only set; before, the signal raises ``KeyboardInterrupt`` as well.
        hangup: once it is there, SIGHUP sets it and ends nothing: files are to be read again.
    """

    SIGNALS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.event = threading.Event()
        self.graceful = False
        self.hangup: threading.Event | None = None
        self._previous: dict[int, Any] = {}
        self._previous_wakeup = -1
        self._wakeup: socket.socket | None = None

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            heard, self._wakeup = socket.socketpair()
            self._wakeup.setblocking(False)
            self._previous_wakeup = signal.set_wakeup_fd(self._wakeup.fileno())
            threading.Thread(
                target=self._listen, args=(heard,), name="signals", daemon=True
            ).start()
            for number in self.SIGNALS:
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if ignored and number == getattr(signal, "SIGHUP", None):
                    continue
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._leave()
        if isinstance(error, Exception) and self.event.is_set() and not self.graceful:
            # A library that was being imported may make an error of its own of it.
            raise KeyboardInterrupt from error

    def _leave(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._wakeup is not None:
            signal.set_wakeup_fd(self._previous_wakeup)
            self._wakeup.close()

    def _asks_for_files(self, number: int) -> bool:
        return self.hangup is not None and number == getattr(signal, "SIGHUP", None)

    def _handle(self, number: int, frame: object) -> None:
        if self._asks_for_files(number):
            assert self.hangup is not None
            self.hangup.set()
            return
        self.event.set()  # also where a library catches what is raised: then the run ends later
        if not self.graceful:
            raise KeyboardInterrupt

    def _listen(self, heard: socket.socket) -> None:
        """End the process at the second signal; the first is :meth:`_handle`'s."""
        first_at: float | None = None
        with heard:
            while numbers := heard.recv(1):
                if numbers[0] not in self.SIGNALS or self._asks_for_files(numbers[0]):
                    continue
                if first_at is None:
                    first_at = time.monotonic()
                elif time.monotonic() - first_at > SAME_SIGNAL_S:
                    os._exit(INTERRUPTED)
