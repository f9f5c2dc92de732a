"""A screen that nobody sees (Xvfb), and a hand at its windows (xdotool, Xlib)."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from types import TracebackType

from tests.support.processes import end_process, killed_if_late

#: Long enough for the busiest machine; nothing waits so long unless it is broken.
LONG_S = 60.0
NEEDED = ("Xvfb", "xdotool", "xwininfo")
CLIENT_MESSAGE = 33
Z_PIXMAP = 2

__all__ = ["Screen", "missing_programs", "wait_until"]


def missing_programs() -> list[str]:
    """Which programs :class:`Screen` needs and does not find."""
    return [name for name in NEEDED if shutil.which(name) is None]


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for what must come."""
    end = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < end, f"it has not come: {what}"
        time.sleep(0.05)


class Screen:
    """An X server of 800 x 600 without a window manager, for as long as the ``with`` block lasts.

    Attributes:
        display: its name, for ``$DISPLAY``.
    """

    def __enter__(self) -> Screen:
        told, tells = os.pipe()
        command = [
            "Xvfb",
            "-noreset",
            "-displayfd",
            str(tells),
            "-screen",
            "0",
            "800x600x24",
            "-nolisten",
            "tcp",
        ]
        self._server = subprocess.Popen(
            command, pass_fds=[tells], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(tells)
        with os.fdopen(told) as number, killed_if_late(self._server, LONG_S):
            self.display = f":{number.readline().strip()}"
        if self.display == ":":
            self.switch_off()
            raise AssertionError("Xvfb did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.switch_off()

    def switch_off(self) -> None:
        """End the server under its windows."""
        end_process(self._server)

    def find_window(self, title: str) -> int | None:
        """The visible window whose title begins so."""
        found = self._run("xdotool", "search", "--onlyvisible", "--name", f"^{title}").split()
        return int(found[0]) if found else None

    def size_wh(self, window: int) -> tuple[int, int]:
        """A window's inner size."""
        lines = dict(
            line.split(":", 1)
            for line in self._run("xwininfo", "-id", str(window)).splitlines()
            if line.count(":") == 1
        )
        lines = {key.strip(): value.strip() for key, value in lines.items()}
        return int(lines.get("Width", 0)), int(lines.get("Height", 0))

    def color_at(self, at_xy: tuple[int, int]) -> tuple[int, int, int]:
        """Red, green and blue of a pixel of the screen."""
        x11, display = _connect(self.display)
        root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
        x11.XGetImage.restype = ctypes.c_void_p
        every_bit = ctypes.c_ulong(0xFFFFFFFF)
        image = ctypes.c_void_p(x11.XGetImage(display, root, *at_xy, 1, 1, every_bit, Z_PIXMAP))
        x11.XGetPixel.restype = ctypes.c_ulong
        value = x11.XGetPixel(image, 0, 0)
        x11.XCloseDisplay(display)
        return value >> 16 & 255, value >> 8 & 255, value & 255

    def press(self, window: int, key: str) -> None:
        """Type one key into a window."""
        self._run("xdotool", "key", "--window", str(window), key)

    def destroy(self, window: int) -> None:
        """Take a window away without asking it."""
        self._run("xdotool", "windowclose", str(window))

    def cut_off(self, window: int) -> None:
        """Cut its program's connection, as xkill does."""
        self._run("xdotool", "windowkill", str(window))

    def close(self, window: int) -> None:
        """What a window manager does when the window's button is clicked: WM_DELETE_WINDOW."""
        x11, display = _connect(self.display)
        x11.XInternAtom.restype = ctypes.c_ulong
        event = (ctypes.c_long * 24)()  # XClientMessageEvent: all its fields are as wide as a long
        event[0] = CLIENT_MESSAGE
        event[4] = window
        event[5] = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
        event[6] = 32
        event[7] = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), event)
        x11.XCloseDisplay(display)

    def _run(self, *command: str) -> str:
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False
        )
        return done.stdout


def _connect(display: str) -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    return x11, ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
