"""Live pictures of a capture device, opened again when it breaks, is gone, or hangs."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Generator, Iterator

from runtime.errors import UserError
from runtime.sources.changes import ChangeWatch
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.grabbing import Capture, Grabbed, GrabThread, HangingThreads
from runtime.sources.reconnect import ReconnectTimer, StalledError

#: How long opening may take: some cameras start a sensor, some pipelines find a server.
OPEN_S = 15.0
#: A source with few pictures a second is stalled after so many of its own steps.
STALLED_STEPS = 3

__all__ = ["CapturedSource"]


class CapturedSource(Source):
    """A live source that is read by blocking calls: a camera, a pipeline.

    Each opened capture is read in a thread of its own. One that gives no picture for five seconds
    is left, and opened anew; of those whose read hangs for good at most three are left at once.

    Args:
        name: what it is called.
        what: the same with its kind, for messages.
        reconnect_timeout_s: how long it may be away; None is 10 s at the start, any time later.
    """

    live = True

    def __init__(self, name: str, what: str, reconnect_timeout_s: float | None) -> None:
        super().__init__(name)
        self.what = what
        self.timer = ReconnectTimer(what, reconnect_timeout_s, self.tell)
        self.changes = ChangeWatch(what, self.tell)
        self._hanging = HangingThreads(what)
        self._index = 0
        self._first_at: float | None = None

    @abstractmethod
    def open_capture(self) -> Capture | None:
        """Open it, in the thread that reads it; None where it is not there."""

    @property
    def absence(self) -> str:
        """Why it cannot be opened, as far as can be said."""
        return "it cannot be opened"

    @property
    def hangs(self) -> bool:
        """Whether a read that was left behind still hangs."""
        return self._hanging.count > 0

    def resume(self) -> None:
        """Go on in place of a source that had frames already and was lost."""
        self.timer.resume()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures for as long as it is there; see :meth:`Source.frames`."""
        self.timer.begin()
        while not stop.is_set():
            if self._hanging.are_too_many:
                self.timer.wait(stop, StalledError(f"{self._hanging.count} reads of it hang"))
                continue
            thread = GrabThread(self.open_capture, self.name)
            try:
                reason = yield from self._read(thread, stop)
            finally:
                self._hanging.leave(thread, quietly=stop.is_set())
            if isinstance(thread.error, UserError):
                raise thread.error
            self.timer.wait(stop, thread.error or reason)

    def _read(
        self, thread: GrabThread, stop: threading.Event
    ) -> Generator[Frame, None, Exception | None]:
        """The pictures of one opened capture; gives what ended them."""
        limit_s = self.timer.remaining_s(OPEN_S)
        while not stop.is_set():
            grabbed = thread.next(limit_s, stop)
            if grabbed is None:
                return self._why_it_ended(thread)
            if self.timer.seen_frame():
                self.reconnects += 1
                log.warning("%s is back", self.what)
            yield self._frame(grabbed)
            self.fps = thread.fps or self.fps
            limit_s = max(self.timer.stall_s, STALLED_STEPS / (self.fps or 25.0))
        return None

    def _why_it_ended(self, thread: GrabThread) -> Exception:
        if not thread.ended:
            return StalledError("no picture in time")
        return OSError("it gives no picture" if thread.opened else self.absence)

    def _frame(self, grabbed: Grabbed) -> Frame:
        index, self._index = self._index, self._index + 1
        if self._first_at is None:
            self._first_at = grabbed.captured_at
        height, width = grabbed.image_bgr.shape[:2]
        self.changes.see_size((width, height))
        self.changes.see_time()
        return Frame(
            index,
            grabbed.captured_at - self._first_at,
            grabbed.image_bgr,
            frame_stem(index),
            grabbed.capture_ms,
            grabbed.captured_at,
        )
