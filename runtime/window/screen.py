"""What runs in the window's process: pictures from stdin onto the screen, a byte back for each.

It ends with 0 when the window was closed, by q, Esc or its button, and when stdin ends.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, BinaryIO

from runtime import core_files
from runtime.window.desktop import Desktop, open_desktop
from runtime.window.process import FRAME_HEADER

if TYPE_CHECKING:
    import numpy as np

CLOSING_KEYS = (ord("q"), ord("Q"), 27)
#: Of the screen's width and height, what a window takes at most: borders and bars need some.
SHARE = 0.9
IDLE_MS = 20
#: On a busy machine, Qt (5.15.19) lost the news that its window is on the screen in 13 of 75
#: starts, and never painted it. It hears of it when the window is taken away and put back.
PAINT_TRIES = 20
PAINT_WAIT_MS = 100
#: How often a window is looked for, and how long after it the process ends at the latest.
LOOK_S, LEAVE_S = 0.2, 1.0

__all__ = ["fit_to_screen", "main"]


def main() -> None:
    """Show what comes; ``sys.argv[1]`` is the title."""
    core_files.leave_none()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the run hears them, and ends this process
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    import cv2

    cv2.namedWindow("probe")  # without a screen, Qt ends the process here
    cv2.destroyAllWindows()
    answers.write(b"!")
    pictures: queue.Queue[np.ndarray | None] = queue.Queue(1)
    threading.Thread(target=_read, args=(sys.stdin.buffer, pictures), daemon=True).start()
    _show_all(_Window(sys.argv[1]), pictures, answers)
    os._exit(0)  # the reader waits in a read


def fit_to_screen(size_wh: tuple[int, int], screen_wh: tuple[int, int]) -> tuple[int, int]:
    """The size of a window for a frame: the frame's, smaller where the screen is.

    >>> fit_to_screen((640, 360), (1920, 1080)), fit_to_screen((3840, 2160), (1920, 1080))
    ((640, 360), (1728, 972))
    """
    fits = min(
        SHARE * screen / max(size, 1) for screen, size in zip(screen_wh, size_wh, strict=True)
    )
    scale = min(1.0, fits)
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def _read(stdin: BinaryIO, pictures: queue.Queue[np.ndarray | None]) -> None:
    import numpy as np

    while True:
        header = stdin.read(FRAME_HEADER.size)
        if len(header) < FRAME_HEADER.size:
            break
        width, height = FRAME_HEADER.unpack(header)
        content = stdin.read(width * height * 3)
        if len(content) < width * height * 3:
            break
        pictures.put(np.frombuffer(content, np.uint8).reshape(height, width, 3))
    pictures.put(None)


def _show_all(window: _Window, pictures: queue.Queue[np.ndarray | None], answers: BinaryIO) -> None:
    picture = pictures.get()
    while picture is not None:
        window.show(picture)
        if window.is_closed(1):
            return
        answers.write(b"!")
        while True:  # between two pictures, keys count as well
            try:
                picture = pictures.get_nowait()
                break
            except queue.Empty:
                if window.is_closed(IDLE_MS):
                    return


def _leave_with(title: str) -> None:
    """End this process once its window is gone, where the main thread does not.

    A window that another program kills leaves Qt without its connection, and now and then
    OpenCV's waitKey (5.0, with Qt 5.15.19) then waits for ever.
    """
    desktop = open_desktop()  # a connection of its own: each is for one thread
    desktop.watch(title)
    while not desktop.watched_is_gone():
        time.sleep(LOOK_S)
    time.sleep(LEAVE_S)
    os._exit(0)


class _Window:
    """OpenCV's window, at the size of what it shows until a person changes that."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._size_wh = (0, 0)
        self._desktop: Desktop | None = None
        self._closed = False

    def show(self, picture_bgr: np.ndarray) -> None:
        import cv2

        size_wh = picture_bgr.shape[1], picture_bgr.shape[0]
        opened = self._desktop is None
        if self._desktop is None:
            self._desktop = open_desktop()
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(self._title, flags)
            self._desktop.watch(self._title)
            if self._desktop.watches:
                leave = threading.Thread(target=_leave_with, args=(self._title,), daemon=True)
                leave.start()
        if size_wh != self._size_wh:
            cv2.resizeWindow(self._title, *fit_to_screen(size_wh, self._desktop.size_wh))
            self._size_wh = size_wh
        cv2.imshow(self._title, picture_bgr)
        if opened:
            self._insist(self._desktop, picture_bgr)

    def _insist(self, desktop: Desktop, picture_bgr: np.ndarray) -> None:
        """See to it that the window is painted."""
        if not picture_bgr[picture_bgr.shape[0] // 2].any():
            return  # black where the desktop looks
        for _ in range(PAINT_TRIES):
            if self.is_closed(PAINT_WAIT_MS) or not desktop.watched_is_black():
                return
            desktop.map_again()

    def is_closed(self, wait_ms: int) -> bool:
        """Whether it was, after a look at the keys."""
        import cv2

        assert self._desktop is not None
        self._closed = (
            self._closed
            or cv2.waitKey(wait_ms) & 0xFF in CLOSING_KEYS
            or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
            or self._desktop.watched_is_gone()
        )
        return self._closed
