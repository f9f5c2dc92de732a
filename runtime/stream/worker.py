"""A sink at work: its queue, its thread, what it dropped, and what became of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime.errors import describe_error
from runtime.redaction import RedactingFilter
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.stream.channel import Channel, Ended

if TYPE_CHECKING:
    from runtime.sources.frame import Source

log = logging.getLogger("mgca.stream")
log.addFilter(RedactingFilter())

__all__ = ["Delivery", "SinkWorker"]


class Delivery:
    """One segmented frame on its way to several sinks.

    ``on_settled`` is called once, with the milliseconds that the sinks spent on it altogether,
    when each has written it, dropped it or failed.
    """

    def __init__(
        self, item: SegmentedFrame, sinks: int, on_settled: Callable[[float], None]
    ) -> None:
        self.item = item
        self._left = sinks
        self._output_ms = 0.0
        self._on_settled = on_settled
        self._changing = threading.Lock()
        if not sinks:
            on_settled(0.0)

    def settle(self, output_ms: float = 0.0) -> None:
        """One sink is done with the frame, after ``output_ms`` of work."""
        with self._changing:
            self._left -= 1
            self._output_ms += output_ms
            last = not self._left
        if last:
            self._on_settled(self._output_ms)


class SinkWorker:
    """Runs one sink in a thread of its own.

    Attributes:
        sink: the sink.
        dropped: frames that a live stream did not wait to hand over.
        error: what ended the sink before its time, None if nothing did.
    """

    def __init__(
        self,
        sink: Sink,
        on_failure: Callable[[SinkWorker], None],
        on_progress: Callable[[], None],
    ) -> None:
        self.sink = sink
        self.dropped = 0
        self.error: BaseException | None = None
        self.over = threading.Event()
        self._queue: Channel[Delivery] = Channel(sink.queue_frames)
        self._on_failure = on_failure
        self._on_progress = on_progress
        self._settled = 0
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def settled(self) -> int:
        """How many frames it has written or let go."""
        return self._settled

    def start(self, source: Source) -> None:
        """Show the sink its source and start its thread."""
        try:
            self.sink.begin(source)
        except BaseException as error:
            self._fail(error)
            return
        self._thread = threading.Thread(target=self._run, name=f"sink {self.sink.key}", daemon=True)
        self._thread.start()

    def put(self, delivery: Delivery, wait: bool) -> None:
        """Hand over a frame; without ``wait``, the oldest that waits is dropped for it."""
        if wait:
            dropped = [] if self._queue.put(delivery) else [delivery]
        else:
            dropped = self._queue.put_or_drop(delivery)
        for one in dropped:
            if self.error is None:
                self.dropped += 1
            self._settle(one)

    def end(self) -> None:
        """No more frames will come; those that wait are still written."""
        self._queue.end()

    def _write_one(self) -> bool:
        """Write the next frame; False once the sink is closed.

        What the sink raises is kept as its error, and it is closed then.
        """
        delivery: Delivery | None = None
        started = time.perf_counter()
        try:
            delivery = self._queue.get()
            assert delivery is not None  # it waits without a limit
            started = time.perf_counter()
            self.sink.write(delivery.item)
        except Ended:
            self._close()
            return False
        except BaseException as error:
            self._fail(error)
        finally:
            if delivery is not None:
                self._settle(delivery, (time.perf_counter() - started) * 1e3)
        return self.error is None

    def join(self) -> None:
        """Wait for the sink's thread."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._write_one():
            pass

    def _settle(self, delivery: Delivery, output_ms: float = 0.0) -> None:
        with self._counting:  # a frame is dropped in the sender's thread, written in the sink's
            self._settled += 1
        delivery.settle(output_ms)
        self._on_progress()

    def _fail(self, error: BaseException) -> None:
        self.error = error
        for delivery in self._queue.cancel():
            self._settle(delivery)
        self._close()
        self._on_failure(self)

    def _close(self) -> None:
        try:
            self.sink.close()
        except BaseException as error:
            if self.error is None:
                self.error = error
                self._on_failure(self)
            else:
                log.debug("closing after a failure: %s", describe_error(error))
        finally:
            self.over.set()
