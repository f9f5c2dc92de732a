"""The process that owns a window, as the run sees it: frames in, and word of its end."""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: A busy machine needs a while for Python, OpenCV and the first window.
READY_WAIT_S = 60.0
FRAME_HEADER = struct.Struct("<II")  # width, height; then the picture, uint8 BGR
# The run's own module path: the window finds what the run found, whatever the folder is.
BOOT = "import sys; sys.path[:] = sys.argv[2:]; from runtime.window.screen import main; main()"

log = logging.getLogger("mgca.sinks")

__all__ = ["FRAME_HEADER", "WindowProcess"]


class WindowProcess:
    """A window on this machine's screen that cannot take the run down with it.

    It lives in a process of its own, which imports OpenCV and never PyAV. In one process a window
    could hang for ever, in C, where no signal is heard: the wheels of both (PyAV 18.1 and
    opencv-python 5.0 on Linux) bring X libraries of the same file name, linked to different
    libxcbs. A process helps against a Qt that aborts without a screen or with a lost one as well,
    and no thread of the run has to be the main one.

    Attributes:
        gone: set once there is no window any more, whatever the reason.
        lost: whether the window went because no screen takes one any more.
    """

    def __init__(self, title: str, on_closed: Callable[[], None] = lambda: None) -> None:
        """Take the window's title, and what to call when a person closed it."""
        self.gone = threading.Event()
        self.lost = False
        self._title = title
        self._on_closed = on_closed
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = 0
        self._answered = threading.Condition()
        self._ended = False

    def start(self) -> bool:
        """Start it and open a window for a moment; whether that can be done on this machine."""
        command = [sys.executable, "-c", BOOT, self._title, *sys.path]
        own_group: dict[str, Any] = {"start_new_session": True}  # the terminal's Ctrl-C is ours
        if os.name == "nt":
            own_group = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL,
            **own_group,
        )
        threading.Thread(target=self._listen, name="window", daemon=True).start()
        ready = self._wait_for_answer(1, READY_WAIT_S)
        if not ready:
            self.end()
        return ready

    def show(self, image_bgr: np.ndarray) -> bool:
        """Show a picture, uint8 (H, W, 3), and wait until it is drawn; False if none is there."""
        import numpy as np

        assert self._process is not None and self._process.stdin is not None
        height, width = image_bgr.shape[:2]
        wanted = self._answers + 1
        try:
            self._process.stdin.write(FRAME_HEADER.pack(width, height))
            self._process.stdin.write(np.ascontiguousarray(image_bgr).data.cast("B"))
            self._process.stdin.flush()
        except (OSError, ValueError):  # its end is closed, or ours
            self.gone.wait()
            return False
        return self._wait_for_answer(wanted)

    def end(self) -> None:
        """Take the window away, from any thread; it may hang, and holds nothing worth a wait."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            # Half a picture may be left in the pipe; Python 3.13 would complain of it at the end.
            with contextlib.suppress(OSError, ValueError):
                assert self._process.stdin is not None
                self._process.stdin.close()

    def _wait_for_answer(self, count: int, timeout_s: float | None = None) -> bool:
        with self._answered:
            self._answered.wait_for(lambda: self._answers >= count or self.gone.is_set(), timeout_s)
            return self._answers >= count

    def _listen(self) -> None:
        """Count the window's answers, a byte a picture, until it has no more."""
        assert self._process is not None and self._process.stdout is not None
        while self._process.stdout.read(1):
            with self._answered:
                self._answers += 1
                self._answered.notify_all()
        failed = self._process.wait() != 0
        if not self._ended and self._answers:
            # A window that another program kills ends like one whose screen has gone: with an
            # error of Qt. Whether a screen is left decides.
            self.lost = failed and not can_open_window()
            if not self.lost:
                self._on_closed()
        with self._answered:
            self.gone.set()
            self._answered.notify_all()


def can_open_window() -> bool:
    """Whether a window can be opened on this machine now."""
    probe = WindowProcess("probe")
    try:
        return probe.start()
    finally:
        probe.end()
