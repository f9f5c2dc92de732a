"""Capture, inference and writing at the same time, each in its own thread, with bounded queues."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sources.frame import Frame, Source
from runtime.stream.channel import Channel, Ended
from runtime.stream.statistics import RunStatistics

if TYPE_CHECKING:
    from runtime.segment.segmenter import Segmenter

#: Frames of a file that are read ahead of inference.
READ_AHEAD = 2
#: Frames of a live source between inference and outputs. One is worked on while the other is
#: written; more would only make pictures older where the outputs are the slow part.
LIVE_IN_FLIGHT = 2
POLL_S = 0.1
CAPTURE_JOIN_S = 1.0


@dataclass
class _Job:
    """A frame on its way from inference to the outputs."""

    frame: Frame
    raw: Any
    latency_ms: dict[str, float]
    live: bool
    wait_ms: float = 0.0


class Pipeline:
    """Runs a source through a segmenter into sinks.

    Three threads work beside the caller's: capture, inference (with preprocessing) and
    postprocessing; the sinks run in the caller's thread, as windows demand. Order is kept. Files
    wait for inference; a live source never does, its old frames are dropped. The first error in
    any thread ends the run and is raised by :meth:`run`.

    ``stop`` may be set from a signal handler: the run ends after the frame in work. Closing the
    sinks is the caller's part.
    """

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        sinks: Sequence[Sink],
        *,
        stop: threading.Event | None = None,
        every: int = 1,
        max_frames: int | None = None,
        on_frame: Callable[[RunStatistics], None] | None = None,
    ) -> None:
        self.source = source
        self.segmenter = segmenter
        self.sinks = list(sinks)
        self.stop = stop or threading.Event()
        self.every = every
        self.max_frames = max_frames
        self.on_frame = on_frame
        self.statistics = RunStatistics()
        self._captured: Channel[Frame] = Channel(READ_AHEAD)
        self._inferred: Channel[_Job] = Channel(1)
        self._segmented: Channel[tuple[SegmentedFrame, _Job]] = Channel(1)
        self._in_flight = threading.Semaphore(LIVE_IN_FLIGHT)
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        #: Whether the capture thread has ended; a hanging network read may outlive the run.
        self.capture_ended = True

    def run(self) -> RunStatistics:
        """Run to the source's end, ``max_frames``, ``stop`` or an error; gives the statistics."""
        threads = [
            threading.Thread(target=self._guard, args=(work, channel), name=name, daemon=True)
            for name, work, channel in (
                ("capture", self._capture, self._captured),
                ("infer", self._infer, self._inferred),
                ("postprocess", self._postprocess, self._segmented),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            self._write_all()
        finally:
            self._over.set()
            for channel in (self._captured, self._inferred, self._segmented):
                channel.cancel()
            capture, *workers = threads
            for thread in workers:
                thread.join()
            # Reading may hang in the network for seconds more: it is not waited for.
            capture.join(CAPTURE_JOIN_S)
            self.capture_ended = not capture.is_alive()
        if self._errors:
            raise self._errors[0]
        return self.statistics

    def _guard(self, work: Callable[[], None], channel: Channel[Any]) -> None:
        try:
            work()
        except Ended:
            pass
        except BaseException as error:
            self._errors.append(error)  # what came before it is still finished and written
        finally:
            channel.end()

    def _capture(self) -> None:
        taken = 0
        for frame in self.source.frames(self._over):
            self.statistics.frames_in += 1
            if self.statistics.first_captured_at is None:
                self.statistics.first_captured_at = frame.captured_at
            if frame.index % self.every:
                self.statistics.frames_skipped += 1
                continue
            if self.source.live:
                self.statistics.frames_dropped += self._captured.put_newest(frame)
            elif not self._captured.put(frame):
                return
            taken += 1
            if not self.source.live and taken == self.max_frames:
                return

    def _infer(self) -> None:
        done = 0
        while done != self.max_frames:
            live = self.source.live
            if live and not self._wait_for_turn():
                return
            frame = self._captured.get()
            assert frame is not None
            started = time.perf_counter()
            prepared = self.segmenter.preprocess(frame.image_bgr)
            prepared_at = time.perf_counter()
            raw = self.segmenter.infer(prepared)
            inferred_at = time.perf_counter()
            latency_ms = {
                "capture": frame.capture_ms,
                "preprocess": (prepared_at - started) * 1e3,
                "infer": (inferred_at - prepared_at) * 1e3,
            }
            if not self._inferred.put(_Job(frame, raw, latency_ms, live)):
                return
            done += 1

    def _wait_for_turn(self) -> bool:
        """Wait until an output is ready for another live frame; False once the run is over."""
        while not self._over.is_set():
            if self._in_flight.acquire(timeout=POLL_S):
                return True
        return False

    def _postprocess(self) -> None:
        while True:
            job = self._inferred.get()
            assert job is not None
            frame, latency_ms = job.frame, job.latency_ms
            started = time.perf_counter()
            result = self.segmenter.postprocess(job.raw, frame.size_wh, latency_ms=latency_ms)
            assert result.areas is not None  # counted here, not when an output first asks
            ended = time.perf_counter()
            latency_ms["postprocess"] = (ended - started) * 1e3
            work_ms = sum(latency_ms.values())
            elapsed_ms = (ended - frame.captured_at) * 1e3
            # From a live source, the age of the picture is what a person sees. Of a file, frames
            # are read ahead on purpose: waiting in that queue delays nobody.
            latency_ms["total"] = elapsed_ms if job.live else work_ms
            job.wait_ms = max(0.0, elapsed_ms - work_ms)
            job.raw = None
            if not self._segmented.put((SegmentedFrame(frame, result, latency_ms), job)):
                return

    def _write_all(self) -> None:
        while not self.stop.is_set() and not self._over.is_set():
            try:
                taken = self._segmented.get(POLL_S)
            except Ended:
                return
            if taken is None:
                continue
            item, job = taken
            started = time.perf_counter()
            for sink in self.sinks:
                sink.write(item)
            output_ms = (time.perf_counter() - started) * 1e3
            if job.live:
                self._in_flight.release()
            self.statistics.add(item.latency_ms, job.wait_ms, output_ms, item.result.areas)
            if self.on_frame is not None:
                self.on_frame(self.statistics)
            if any(getattr(sink, "closed", False) for sink in self.sinks):
                return  # the window was closed
