"""A window on this machine's screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.options import option
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

TITLE = "mgca-rt (q or Esc closes)"
PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"

__all__ = ["Window"]


@register
class Window(Sink):
    """Shows the overlay as it comes; q, Esc or the window's own button end the run."""

    key = "show"
    place = 50
    on_main_thread = True  # as the window systems demand
    queue_frames = 1  # what waits is only lag

    @dataclass(frozen=True)
    class Options:
        """Whether there is one."""

        show: bool = option("a window: --camera 0 --show", default=False, holds=bool)

    def __init__(self) -> None:
        self._shown = False

    @classmethod
    def from_options(cls, options: Options) -> Window | None:
        """One for ``--show``."""
        return cls() if options.show else None

    def check(self, claims: Claims) -> None:
        """Raise ``UserError`` where no window can be opened.

        Asked in another process: without a screen, OpenCV's window library does not report an
        error, it aborts the program.
        """
        import subprocess
        import sys

        try:
            probe = subprocess.run(
                [sys.executable, "-c", PROBE], capture_output=True, timeout=20, check=False
            )
            failed = probe.returncode != 0
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            raise UserError(
                "--show needs a screen, and no window can be opened here (no display, or an "
                "OpenCV without windows); leave --show out and use --out FILE.mp4"
            )

    def write(self, item: SegmentedFrame) -> None:
        """Show one frame and look at the keys."""
        import cv2

        if not self._shown:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        elif cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            self.ends_run = True
            return
        cv2.imshow(TITLE, item.overlay_bgr)
        self._shown = True
        if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
            self.ends_run = True

    def close(self) -> None:
        """Take the window away."""
        if self._shown:
            import cv2

            cv2.destroyAllWindows()
            self._shown = False
