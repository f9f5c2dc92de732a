"""Streams run side by side: one scheduler for the model, one thread for each part that waits."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from runtime.stream.scheduler import Scheduler
from runtime.stream.stream import Stream
from runtime.stream.worker import SinkWorker

POLL_S = 0.1

__all__ = ["Pipeline"]


class Pipeline:
    """Runs streams that share one model until all have ended.

    A stream that fails ends alone; the others go on. ``stop`` may be set from a signal handler:
    every stream ends after its frames in work. Every sink that takes frames is closed at the end.
    """

    def __init__(self, streams: Sequence[Stream], *, stop: threading.Event | None = None) -> None:
        self.streams = list(streams)
        self.stop = stop or threading.Event()
        self._scheduler = Scheduler(self.streams)

    @property
    def capture_ended(self) -> bool:
        """Whether no source still hangs in a read."""
        return all(stream.capture_ended for stream in self.streams)

    def run(self) -> None:
        """Run to the end; call it from the main thread if a sink demands that.

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
            for worker in self._workers_here():
                while worker.step(POLL_S):
                    pass
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
        """Work for the sinks of this thread, and wait, until all is over or ``stop`` is set."""
        here = self._workers_here()
        while not all(stream.is_over() for stream in self.streams):
            if self.stop.is_set():
                return
            for stream in self.streams:
                stream.heed_sinks()
            active = [worker for worker in here if not worker.over.is_set()]
            for worker in active:
                worker.step(POLL_S / len(active))
            if not active:
                self._wait_for_one()

    def _wait_for_one(self) -> None:
        running = [stream for stream in self.streams if not stream.is_over()]
        if running:
            running[0].wait(POLL_S)

    def _workers_here(self) -> list[SinkWorker]:
        workers = [worker for stream in self.streams for worker in stream.workers]
        return [worker for worker in workers if worker.sink.on_main_thread]
