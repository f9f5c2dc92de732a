"""What OpenCV does not tell of a screen: its size, and that another program took a window away."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from typing import Any

#: Where nobody says how large the screen is.
USUAL_SIZE_WH = (1366, 768)
#: How often a window that is to be watched is looked for: some hundred times a few milliseconds.
MOST_LOOKS = 500
EVERY_BIT, Z_PIXMAP = 0xFFFFFFFF, 2
SAMPLES = 64

__all__ = ["Desktop", "open_desktop"]


def open_desktop() -> Desktop:
    """The screen of this machine, with what its system tells."""
    try:
        if sys.platform.startswith("linux") and os.environ.get("DISPLAY"):
            return _X11Desktop()
        if sys.platform == "win32":
            metrics = ctypes.windll.user32.GetSystemMetrics
            return Desktop((metrics(0), metrics(1)))
        if sys.platform == "darwin":
            graphics = ctypes.CDLL(ctypes.util.find_library("CoreGraphics"))
            display = graphics.CGMainDisplayID()
            return Desktop(
                (graphics.CGDisplayPixelsWide(display), graphics.CGDisplayPixelsHigh(display))
            )
    except (OSError, AttributeError):  # a library that is not there, or has no such function
        pass
    return Desktop(USUAL_SIZE_WH)


class Desktop:
    """A screen's size (width, height) in pixels; windows are not watched.

    Attributes:
        size_wh: of the screen.
        watches: whether it notices that a window is gone.
    """

    watches = False

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self.size_wh = size_wh

    def watch(self, title: str) -> None:
        """Notice from now on if the window of that title is destroyed."""

    def watched_is_gone(self) -> bool:
        """Whether it has been."""
        return False

    def watched_is_black(self) -> bool:
        """Whether nothing is painted in its middle, as far as that can be seen."""
        return False

    def map_again(self) -> None:
        """Take it off the screen and put it there again."""


class _X11Desktop(Desktop):
    """X11: Qt does not notice that its window was destroyed by another program; this does.

    For one thread.
    """

    watches = True

    def __init__(self) -> None:
        self._x11 = _load_x11()
        self._x11.XInitThreads()
        # Kept for good: without a reference, the handler would be freed. A window that vanishes
        # while it is asked about must not end the process, as Xlib's own handler does.
        self._on_error = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
            lambda _display, _event: 0
        )
        self._display = self._x11.XOpenDisplay(None)
        if not self._display:
            raise OSError("no connection to the X server")
        self._x11.XSetErrorHandler(self._on_error)
        number = self._x11.XDefaultScreen(self._display)
        super().__init__(
            (
                self._x11.XDisplayWidth(self._display, number),
                self._x11.XDisplayHeight(self._display, number),
            )
        )
        self._title: bytes | None = None
        self._looks_left = MOST_LOOKS
        self._window: int | None = None

    def watch(self, title: str) -> None:
        self._title = title.encode()
        self._look_for_it()

    def watched_is_gone(self) -> bool:
        if self._window is None:
            self._look_for_it()
            return False
        return self._measure(self._window) is None

    def _look_for_it(self) -> None:
        """On a busy machine a new window says only later what it is called, and whose it is."""
        if self._title is not None and self._looks_left:
            self._looks_left -= 1
            root = self._x11.XDefaultRootWindow(self._display)
            self._window = self._find(root, self._title)

    def _measure(self, window: int) -> tuple[int, int] | None:
        """A window's size (width, height) in pixels; None: there is no such window."""
        root, x, y = ctypes.c_ulong(), ctypes.c_int(), ctypes.c_int()
        width, height, border, depth = (ctypes.c_uint() for _ in range(4))
        known = self._x11.XGetGeometry(
            self._display, window, *map(ctypes.byref, (root, x, y, width, height)),
            ctypes.byref(border), ctypes.byref(depth),
        )  # fmt: skip
        return (width.value, height.value) if known else None

    def watched_is_black(self) -> bool:
        if self._window is None:
            return False
        size_wh = self._measure(self._window)
        if size_wh is None:
            return False
        width, height = size_wh
        image = self._x11.XGetImage(
            self._display, self._window, 0, height // 2, width, 1, EVERY_BIT, Z_PIXMAP
        )
        if not image:  # partly off the screen
            return False
        step = max(1, width // SAMPLES)
        colors = [self._x11.XGetPixel(image, at, 0) & 0xFFFFFF for at in range(0, width, step)]
        self._x11.XDestroyImage(image)
        return not any(colors)

    def map_again(self) -> None:
        if self._window is not None:
            self._x11.XUnmapWindow(self._display, self._window)
            self._x11.XMapWindow(self._display, self._window)
            self._x11.XSync(self._display, 0)

    def _find(self, window: int, title: bytes) -> int | None:
        """This process's window of that title, at or below ``window``."""
        if self._read_title(window) == title and self._read_process(window) == os.getpid():
            return window
        root, parent = ctypes.c_ulong(), ctypes.c_ulong()
        children, count = ctypes.POINTER(ctypes.c_ulong)(), ctypes.c_uint()
        found = self._x11.XQueryTree(
            self._display, window, ctypes.byref(root), ctypes.byref(parent),
            ctypes.byref(children), ctypes.byref(count),
        )  # fmt: skip
        if not found or not children:
            return None
        below = children[: count.value]
        self._x11.XFree(children)
        return next((one for child in below if (one := self._find(child, title))), None)

    def _read_title(self, window: int) -> bytes | None:
        name = ctypes.c_void_p()
        if not self._x11.XFetchName(self._display, window, ctypes.byref(name)) or not name.value:
            return None
        title = ctypes.string_at(name.value)
        self._x11.XFree(name)
        return title

    def _read_process(self, window: int) -> int | None:
        """The number of the process that a window belongs to, as it says itself."""
        atom = self._x11.XInternAtom(self._display, b"_NET_WM_PID", 0)
        kind, form = ctypes.c_ulong(), ctypes.c_int()
        items, rest, content = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_void_p()
        self._x11.XGetWindowProperty(
            self._display, window, atom, 0, 1, 0, 0, ctypes.byref(kind), ctypes.byref(form),
            ctypes.byref(items), ctypes.byref(rest), ctypes.byref(content),
        )  # fmt: skip
        if not content.value:
            return None
        number = ctypes.c_ulong.from_address(content.value).value if items.value else None
        self._x11.XFree(content)
        return number


def _load_x11() -> Any:
    """Xlib with the types of its functions; raises ``OSError`` where there is none."""
    x11 = ctypes.CDLL("libX11.so.6")
    window, display, pointer = ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p
    x11.XOpenDisplay.restype = display
    x11.XDefaultRootWindow.restype = window
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XGetImage.restype = pointer
    x11.XGetPixel.restype = ctypes.c_ulong
    for name, arguments in {
        "XOpenDisplay": [ctypes.c_char_p],
        "XDefaultScreen": [display],
        "XDisplayWidth": [display, ctypes.c_int],
        "XDisplayHeight": [display, ctypes.c_int],
        "XDefaultRootWindow": [display],
        "XInternAtom": [display, ctypes.c_char_p, ctypes.c_int],
        "XQueryTree": [display, window, pointer, pointer, pointer, pointer],
        "XFetchName": [display, window, pointer],
        "XFree": [pointer],
        "XGetWindowProperty": [
            display, window, ctypes.c_ulong, ctypes.c_long, ctypes.c_long, ctypes.c_int,
            ctypes.c_ulong, pointer, pointer, pointer, pointer, pointer,
        ],
        "XGetGeometry": [display, window, *[pointer] * 7],
        "XGetImage": [
            display, window, ctypes.c_int, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_ulong, ctypes.c_int,
        ],
        "XGetPixel": [pointer, ctypes.c_int, ctypes.c_int],
        "XDestroyImage": [pointer],
        "XMapWindow": [display, window],
        "XUnmapWindow": [display, window],
        "XSync": [display, ctypes.c_int],
    }.items():  # fmt: skip
        getattr(x11, name).argtypes = arguments
    return x11
