"""Reading a capture that may hang: in a thread of its own, which can be left behind."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runtime.sources.frame import log

if TYPE_CHECKING:
    import numpy as np

#: Threads that may hang at once: each holds a handle, and maybe the device.
MOST_LEFT = 3
#: How often a wait looks whether the run is over.
POLL_S = 0.1
#: How long a thread that is left may take to end before it counts as hanging.
LEAVE_S = 0.3
#: Pictures that wait for the reader, who takes them at once.
_WAITING = 2

__all__ = ["Capture", "GrabThread", "Grabbed", "HangingThreads"]


class Capture(Protocol):
    """What is read: an open ``cv2.VideoCapture``, or anything with these three of its methods.

    One whose ``grab`` can be ended has a method ``interrupt`` as well, called from another thread;
    one that knows its frame rate once it has grabbed has it as ``fps``.
    """

    def grab(self) -> bool:
        """Wait for the next picture; False where there will be none."""

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """Whether it can be read, and the picture, uint8 (height, width, 3) BGR."""

    def release(self) -> None:
        """Let go of the device."""


@dataclass(frozen=True)
class Grabbed:
    """One picture: uint8 (height, width, 3) BGR, when it was there, and its cost since then."""

    image_bgr: np.ndarray
    captured_at: float
    capture_ms: float


class GrabThread:
    """Opens a capture and reads it, in a thread of its own, until it is left.

    A read of OpenCV's cannot be interrupted: one that hangs is left to itself, and lets go of its
    device if it ever ends. What was grabbed after that is thrown away.

    Args:
        open_capture: opens it; None where there is nothing to open. Runs in the thread.
        name: what the source is called.
    """

    def __init__(self, open_capture: Callable[[], Capture | None], name: str) -> None:
        self._open_capture = open_capture
        self._grabbed: deque[Grabbed] = deque()
        self._changed = threading.Condition()
        self._left = False
        self._ended = False
        self._interrupt: Callable[[], None] = lambda: None
        #: Pictures a second, as far as the capture says.
        self.fps: float | None = None
        #: Whether it could be opened, None until that is known.
        self.opened: bool | None = None
        #: What ended it, None where it only has no further picture.
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"grab {name}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        with self._changed:
            return self._ended and not self._grabbed

    def next(self, timeout_s: float, stop: threading.Event) -> Grabbed | None:
        """The next picture; None if none came in time, at the end, and with ``stop``."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._grabbed:
                rest_s = deadline - time.monotonic()
                if self._ended or stop.is_set() or rest_s <= 0:
                    return None
                self._changed.wait(min(POLL_S, rest_s))
            grabbed = self._grabbed.popleft()
            self._changed.notify_all()
            return grabbed

    def leave(self) -> None:
        """Want no more; the thread releases its capture as soon as its read ends."""
        with self._changed:
            self._left = True
            self._grabbed.clear()
            self._changed.notify_all()
        self._interrupt()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended, after waiting for it a while."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            capture = self._open_capture()
            self.opened = capture is not None
            if capture is not None:
                self._interrupt = getattr(capture, "interrupt", self._interrupt)
                try:
                    self._read(capture)
                finally:
                    capture.release()
        except Exception as error:
            self.error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read(self, capture: Capture) -> None:
        while not self._left and capture.grab():
            captured_at = time.perf_counter()
            readable, image_bgr = capture.retrieve()
            if not readable or image_bgr is None:
                return
            self.fps = getattr(capture, "fps", None)
            capture_ms = (time.perf_counter() - captured_at) * 1e3
            with self._changed:
                while len(self._grabbed) >= _WAITING and not self._left:
                    self._changed.wait()
                if not self._left:
                    self._grabbed.append(Grabbed(image_bgr, captured_at, capture_ms))
                    self._changed.notify_all()


class HangingThreads:
    """The threads of one source that were left and have not ended: so many, and no more."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._threads: list[GrabThread] = []

    def leave(self, thread: GrabThread, quietly: bool = False) -> None:
        """Leave a thread; it is remembered while it does not end.

        ``quietly`` at the end of a run, where a slow camera's last read is no fault.
        """
        thread.leave()
        if not thread.join(LEAVE_S):
            if not quietly:
                log.warning("%s: a read hangs, its thread is left behind", self.what)
            self._threads.append(thread)

    @property
    def count(self) -> int:
        """How many hang now."""
        self._threads = [thread for thread in self._threads if not thread.join(0)]
        return len(self._threads)

    @property
    def are_too_many(self) -> bool:
        """Whether none may be started before one of them has ended."""
        return self.count >= MOST_LEFT
