"""What a process that decodes may take, and how it ends when nobody is there to end it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable

from runtime import core_files

#: Where half of the machine's memory is less, this much is allowed.
LEAST_BYTES = 1 << 30
#: How often the process says that it lives.
BEAT_S = 0.5
#: Not to have run Python for so long (an import from a slow card takes a while) is to hang.
FROZEN_S = 60.0

__all__ = ["Pulse", "StopEvent", "limit_memory", "memory_limit_bytes", "start_beating"]


def memory_limit_bytes() -> int:
    """Half of this machine's memory, at least a GiB: so much a single source may take."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(LEAST_BYTES, total // 2)


def limit_memory(most_bytes: int) -> None:
    """Let this process have so much memory of its own, and be the first to go if all is used up."""
    with contextlib.suppress(OSError, ValueError):  # less is allowed already
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))
    core_files.leave_none()
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")


class Pulse:
    """Counts signs of life of the thread that reads."""

    def __init__(self) -> None:
        self.count = 0

    def beat(self) -> None:
        """Give one."""
        self.count += 1


class StopEvent(threading.Event):
    """An event that whoever looks at it, or waits for it, shows to be alive."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self._pulse = pulse

    def is_set(self) -> bool:
        """Whether it is set."""
        self._pulse.beat()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, for any time; the wait is life all the while."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            self._pulse.beat()
            rest_s = BEAT_S if end is None else min(BEAT_S, end - time.monotonic())
            if super().wait(max(0.0, rest_s)):
                return True
            if end is not None and time.monotonic() >= end:
                return False


def start_beating(pulse: Pulse, tell: Callable[[], None]) -> None:
    """Call ``tell`` twice a second while the pulse beats; end the process if it is frozen.

    A library that hangs with Python's lock held lets no thread of ours run: an alarm of the
    kernel's, which a thread puts off again and again, then ends the process.
    """

    def beat() -> None:
        told = pulse.count
        while True:
            signal.setitimer(signal.ITIMER_REAL, FROZEN_S)
            time.sleep(BEAT_S)
            if pulse.count != told:
                told = pulse.count
                tell()

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.Thread(target=beat, name="beat", daemon=True).start()
