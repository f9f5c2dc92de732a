"""Streams run side by side: one scheduler for the model, one thread for each part that waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from runtime.stream.scheduler import Scheduler
from runtime.stream.stream import Stream

POLL_S = 0.1

__all__ = ["Pipeline"]


class Pipeline:
    """Runs streams that share one model until all have ended.

    A stream that fails ends alone; the others go on, except with ``strict``. ``stop`` may be set
    from a signal handler: every stream ends after its frames in work. ``on_wait`` is called a few
    times a second, in the thread that runs the pipeline. Every sink that takes frames is closed at
    the end.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        *,
        stop: threading.Event | None = None,
        strict: bool = False,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self.streams = list(streams)
        self.stop = stop or threading.Event()
        self.strict = strict
        self.on_wait = on_wait
        self._scheduler = Scheduler(self.streams)

    @property
    def capture_ended(self) -> bool:
        """Whether no source still hangs in a read."""
        return all(stream.capture_ended for stream in self.streams)

    def run(self) -> None:
        """Run to the end.

        Raises:
            BaseException: the first stream's error, once all have ended.
        """
        inference = threading.Thread(target=self._infer, name="infer", daemon=True)
        for stream in self.streams:
            stream.start(self._scheduler.wake)
        inference.start()
        try:
            self._attend()
        finally:
            for stream in self.streams:
                stream.stop()
            inference.join()
            for stream in self.streams:
                stream.join()
        for stream in self.streams:
            if stream.error is not None:
                raise stream.error

    def _infer(self) -> None:
        try:
            self._scheduler.run()
        except BaseException as error:
            for stream in self.streams:
                stream.fail(error)
                stream.end_if_exhausted()

    def _attend(self) -> None:
        """Wait until all is over or ``stop`` is set; see what sinks ask for meanwhile."""
        while not self.stop.is_set():
            running = [stream for stream in self.streams if not stream.is_over()]
            if not running:
                return
            if self.strict and any(stream.error is not None for stream in self.streams):
                return
            for stream in running:
                stream.heed_sinks()
            if self.on_wait is not None:
                self.on_wait()
            running[0].wait(POLL_S)
