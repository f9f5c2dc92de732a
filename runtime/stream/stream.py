"""One stream: a source, its segmenter, its sinks and its statistics, each part at its own pace."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.draw.style import DrawingStyle
from runtime.errors import MgcaError, describe_error
from runtime.events import Event, EventHistory
from runtime.objects.tracker import Tracker
from runtime.redaction import RedactingFilter, redact, redact_record
from runtime.segment.rivals import RivalWatch
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.stream.channel import Channel, Ended
from runtime.stream.statistics import RunStatistics
from runtime.stream.worker import Delivery, SinkWorker
from runtime.text.likeness import nearly_the_same

if TYPE_CHECKING:
    from runtime.rules.zone import Zone
    from runtime.segment.segmenter import Segmenter
    from runtime.sources.frame import Frame, Source

#: Frames of a file that are read ahead of inference.
READ_AHEAD = 2
#: Frames of a live source between inference and the quickest of its sinks. One is worked on while
#: the other is written; more would only make pictures older where the sinks are the slow part.
LIVE_IN_FLIGHT = 2
CAPTURE_JOIN_S = 1.0

log = logging.getLogger("mgca.stream")
log.addFilter(RedactingFilter())

__all__ = ["Stream"]


@dataclass
class _Job:
    """A frame on its way from inference to postprocessing."""

    frame: Frame
    raw: Any
    latency_ms: dict[str, float]
    live: bool


class Stream:
    """Takes frames from a source through a segmenter into sinks, in order.

    Capture, postprocessing and each sink have a thread; inference is called by the scheduler,
    which shares the model among streams. A file waits: every frame of it reaches every sink. A live
    source never waits: frames that nobody could take are dropped, before inference while all sinks
    are busy, else in the queue of the sink that is too slow, which counts them.

    A sink that fails is warned of and left out; when none that takes frames is left, or with
    ``strict`` at the first one, the stream ends with that error. An error of the source or the
    segmenter ends the stream too; what came before it is still written.

    Attributes:
        name: what it is called in events, reports and names of files.
        style: colors and opacity with which its frames are drawn; replaced, never changed.
        zones: named parts of its picture, which rules speak of; replaced as a whole.
        tracker: finds the objects of its frames, where a sink wants them.
        statistics: what the stream counted and measured.
        rivals: which background words took the pixels of classes that were never found.
        sinks: all of its sinks, those without frames too.
        events: its changes of state so far.
        workers: its sinks at work, with what each dropped and what ended it.
        error: what ended the stream, None if its source did.
        capture_ended: whether no thread of the source is left; a hanging read may outlive the run.
    """

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        sinks: Sequence[Sink],
        *,
        name: str = "",
        every: int = 1,
        max_frames: int | None = None,
        strict: bool = False,
        on_frame: Callable[[RunStatistics], None] | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self.segmenter = segmenter
        self.sinks = list(sinks)
        self.every = every
        self.max_frames = max_frames
        self.strict = strict
        self.on_frame = on_frame
        self.style = DrawingStyle()
        self.zones: tuple[Zone, ...] = ()
        self.tracker = Tracker()
        self.statistics = RunStatistics()
        self.rivals = RivalWatch(self._are_alike)
        self.events = EventHistory()
        self.error: BaseException | None = None
        self.capture_ended = True
        self.workers = [
            SinkWorker(sink, self._drop_sink, self._note_progress)
            for sink in sinks
            if sink.takes_frames
        ]
        for sink in sinks:
            sink.attach(self)
        source.on_event = lambda kind, text, facts: self.tell(kind, text, **facts)
        self._captured: Channel[Frame] = Channel(READ_AHEAD)
        self._inferred: Channel[_Job] = Channel(1)
        self._inferences = 0
        self._over = threading.Event()
        self._counting = threading.Lock()
        self._failing = threading.Lock()
        self._wake: Callable[[], None] = lambda: None
        self._capture_thread = self._thread("capture", self._capture)
        self._postprocess_thread = self._thread("postprocess", self._postprocess_all)

    def _are_alike(self, words: Sequence[str], other: str) -> bool:
        return nearly_the_same(self.segmenter.text_embedder, words, other)

    def tell(self, kind: str, text: str, **facts: Any) -> None:
        """Tell every sink of a change of state; from any thread. See :mod:`runtime.events`.

        Secrets of addresses are taken out of the text and the facts here, for all who hear of it.
        """
        event = Event(kind, self.name, redact(text), redact_record(facts))
        self.events.add(event)
        for worker in self.workers:
            try:
                worker.sink.note(event)
            except Exception as error:
                log.warning("%s: %s", worker.sink.key, describe_error(error))

    def start(self, wake: Callable[[], None]) -> None:
        """Start the threads; ``wake`` is called whenever :meth:`waiting_since` may have changed."""
        self._wake = wake
        for worker in self.workers:
            worker.start(self.source)
        self._postprocess_thread.start()
        self._capture_thread.start()

    def waiting_since(self) -> float | None:
        """When the newest frame that waits for inference was captured; None if none may go on."""
        if self._exhausted() or not self._inferred.has_room() or not self._has_turn():
            return None
        frame = self._captured.newest()
        return None if frame is None else frame.captured_at

    def infer_next(self) -> None:
        """Run the model on the frame that waits; to be called after :meth:`waiting_since`."""
        try:
            frame = self._captured.get(0)
            if frame is not None:
                self._infer(frame)
        except Ended:
            pass
        except BaseException as error:
            self.fail(error)
        self._wake()

    def end_if_exhausted(self) -> bool:
        """Whether nothing is left to infer; postprocessing is told so."""
        if not self._exhausted():
            return False
        if self._inferences == self.max_frames:
            self._over.set()  # a live source would go on for ever
        self._inferred.end()
        return True

    def stop(self) -> None:
        """End after the frames in work; may be called from any thread, and twice."""
        self._over.set()
        self._captured.cancel()
        for worker in self.workers:
            worker.sink.interrupt()
        self._wake()

    def fail(self, error: BaseException) -> None:
        """End with an error; the first one stands. What came before it is still written."""
        with self._failing:
            self.error = self.error or error
        self.stop()

    def join(self) -> None:
        """Wait for the threads; for a read that hangs in the network only a moment."""
        self._postprocess_thread.join()
        for worker in self.workers:
            worker.join()
        self._over.set()
        self._captured.cancel()
        self._capture_thread.join(CAPTURE_JOIN_S)
        self.capture_ended = not (self._capture_thread.is_alive() or self.source.hangs)

    def wait(self, timeout_s: float) -> None:
        """Wait until the stream is over, or for a while."""
        self._postprocess_thread.join(timeout_s)
        for worker in self.workers:
            worker.over.wait(0 if self._postprocess_thread.is_alive() else timeout_s)

    def is_over(self) -> bool:
        """Whether every sink is closed and postprocessing has ended."""
        if self._postprocess_thread.is_alive():
            return False
        return all(worker.over.is_set() for worker in self.workers)

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=work, name=name, daemon=True)

    def _capture(self) -> None:
        try:
            self._read_source()
        except BaseException as error:
            with self._failing:  # the frames before it are still inferred: not self.fail()
                if not self._over.is_set():
                    self.error = self.error or error
        finally:
            self._captured.end()
            self._wake()

    def _read_source(self) -> None:
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
            self._wake()
            taken += 1
            if not self.source.live and taken == self.max_frames:
                return

    def _exhausted(self) -> bool:
        return (
            self._over.is_set() or self._inferences == self.max_frames or self._captured.is_over()
        )

    def _has_turn(self) -> bool:
        """Whether one of the sinks could soon take another frame of a live source."""
        if not self.source.live:
            return True
        settled = [worker.settled for worker in self.workers if worker.error is None]
        settled = settled or [self.statistics.frames_processed]
        return self._inferences - max(settled) < LIVE_IN_FLIGHT

    def _infer(self, frame: Frame) -> None:
        live = self.source.live
        started = time.perf_counter()
        prepared = self.segmenter.preprocess(frame.image_bgr, frame.time_s)
        prepared_at = time.perf_counter()
        raw = self.segmenter.infer(prepared)
        inferred_at = time.perf_counter()
        latency_ms = {
            "capture": frame.capture_ms,
            "preprocess": (prepared_at - started) * 1e3,
            "infer": (inferred_at - prepared_at) * 1e3,
        }
        self._inferences += 1
        self._inferred.put(_Job(frame, raw, latency_ms, live))

    def _postprocess_all(self) -> None:
        try:
            while True:
                job = self._inferred.get()
                assert job is not None
                self._wake()  # there is room for the next inference
                self._postprocess(job)
        except Ended:
            pass
        except BaseException as error:
            self.fail(error)
        finally:
            self._inferred.cancel()
            for worker in self.workers:
                worker.end()

    def _postprocess(self, job: _Job) -> None:
        frame, latency_ms = job.frame, job.latency_ms
        started = time.perf_counter()
        result = self.segmenter.postprocess(job.raw, frame.size_wh, latency_ms=latency_ms)
        areas = result.areas  # counted here, not when an output first asks
        if not result.spared:  # it would say the same again
            self.rivals.add(result)
        item = SegmentedFrame(frame, result, latency_ms, self.style)
        if any(one.sink.wants_objects for one in self.workers if one.error is None):
            item.objects = self.tracker.follow(result, frame.time_s)
        ended = time.perf_counter()
        latency_ms["postprocess"] = (ended - started) * 1e3
        work_ms = sum(latency_ms.values())
        elapsed_ms = (ended - frame.captured_at) * 1e3
        # From a live source, the age of the picture is what a person sees. Of a file, frames
        # are read ahead on purpose: waiting in that queue delays nobody.
        latency_ms["total"] = elapsed_ms if job.live else work_ms
        wait_ms = max(0.0, elapsed_ms - work_ms)

        def settled(output_ms: float) -> None:
            self._count(latency_ms, wait_ms, output_ms, areas, result.spared)

        delivery = Delivery(item, len(self.workers), settled)
        for worker in self.workers:
            worker.put(delivery, wait=not job.live)

    def _count(
        self,
        latency_ms: dict[str, float],
        wait_ms: float,
        output_ms: float,
        areas: dict[str, float],
        spared: bool,
    ) -> None:
        try:
            with self._counting:
                self.statistics.add(latency_ms, wait_ms, output_ms, areas, spared)
                if self.on_frame is not None:
                    self.on_frame(self.statistics)
            self._wake()
        except BaseException as error:
            self.fail(error)

    def heed_sinks(self) -> None:
        """End if a sink asks for it: a window was closed, maybe while no frame came."""
        if any(worker.sink.ends_run for worker in self.workers):
            self.stop()

    def _note_progress(self) -> None:
        self.heed_sinks()
        self._wake()

    def _drop_sink(self, failed: SinkWorker) -> None:
        """Go on without a sink that failed, or end if it was the last or with ``strict``."""
        assert failed.error is not None
        with self._failing:
            errors = [worker.error for worker in self.workers if worker.error is not None]
        if self.strict or len(errors) == 1 == len(self.workers):
            self.fail(failed.error)
        elif len(errors) == len(self.workers):
            self.fail(MgcaError("every output failed: " + "; ".join(map(describe_error, errors))))
        else:
            log.warning("%s; the other outputs go on", describe_error(failed.error))
