"""A window on this machine's screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.registry import register
from runtime.window.process import WindowProcess

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

TITLE = "mgca-rt (q or Esc closes)"

__all__ = ["Window"]


@register
class Window(Sink):
    """Shows the overlay as it comes; q, Esc or the window's own button end the run.

    It opens at the frame's size, or as much of it as the screen takes. The last of some still
    images stays until it is closed: nobody could look at a single one otherwise.
    """

    key = "show"
    place = 50
    queue_frames = 1  # what waits is only lag

    @dataclass(frozen=True)
    class Options:
        """Whether there is one."""

        show: bool = option("a window: --camera 0 --show", default=False, holds=bool)

    def __init__(self) -> None:
        self._window = WindowProcess(TITLE, self._close_run)
        self._shown = False
        self._stays = False

    @classmethod
    def from_options(cls, options: Options) -> Window | None:
        """One for ``--show``."""
        return cls() if options.show else None

    def check(self, claims: Claims) -> None:
        """Raise ``UserError`` where no window can be opened."""
        if not self._window.start():
            raise UserError(
                "--show needs a screen, and no window can be opened here (no display, or an "
                "OpenCV without windows); leave --show out and use --out FILE.mp4"
            )

    def begin(self, source: Source) -> None:
        """Learn whether the pictures stand still."""
        self._stays = source.kind == "images"

    def write(self, item: SegmentedFrame) -> None:
        """Show one frame; raises ``MgcaError`` if the screen is gone."""
        self._shown = self._window.show(item.overlay_bgr)
        self._raise_if_lost()

    def interrupt(self) -> None:
        """Take the window away, whatever it does."""
        self._window.end()

    def close(self) -> None:
        """Take the window away, after the last of some images once a person closed it."""
        if self._shown and self._stays:
            self._window.gone.wait()
        self._window.end()
        self._raise_if_lost()

    def _close_run(self) -> None:
        self.ends_run = True

    def _raise_if_lost(self) -> None:
        if self._window.lost:
            raise MgcaError("--show lost its screen: no window can be opened there any more")
