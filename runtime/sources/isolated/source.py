"""A source whose opening and decoding happen in a process of their own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from runtime.errors import MgcaError, SourceGoneError, UserError
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.isolated.child import OPEN, READ
from runtime.sources.isolated.failure import DecoderFailure
from runtime.sources.isolated.limits import memory_limit_bytes
from runtime.sources.isolated.process import DecoderProcess
from runtime.sources.plan import SourcePlan
from runtime.sources.reconnect import LONGEST_PAUSE_S, ReconnectTimer, StalledError

#: A slow machine's first import of all that decodes.
START_S = 60.0
#: Longer than any wait that the sources themselves bound: 10 s to open an address, 5 s to read it.
SILENCE_S = 15.0
#: A process that fails sooner waits for the longest pause before it is started anew.
SOON_S = 10.0
FACTS = ("live", "fps", "frame_count", "reconnects", "unreadable")

__all__ = ["IsolatedSource"]


class IsolatedSource(Source):
    """Any source but stdin, read in another process; to its reader it is as it would be here.

    A process that crashes, is killed, or gives no sign of life ends the source with
    :class:`DecoderFailure` (exit code 1) and the event ``source-failed``. A live source is opened
    again in a fresh process, with the pauses of any reconnection and their limit
    (``SourceGoneError``, exit code 3); its numbers and times go on. Nothing else of the run is
    touched, no process and no shared memory is left, also where the run itself is killed.

    Args:
        plan: which source.
        silence_s: seconds without a sign of life that are a hang.
        memory_bytes: how much memory of its own the process may take; None is half the machine's.

    Raises:
        UserError: what the source's constructor raises.
    """

    def __init__(
        self, plan: SourcePlan, silence_s: float = SILENCE_S, memory_bytes: int | None = None
    ) -> None:
        plan.remember_secrets()
        super().__init__(plan.shown_name)
        self.kind = plan.kind
        self.plan = plan
        self.silence_s = silence_s
        self.memory_bytes = memory_bytes or memory_limit_bytes()
        self.restarts = 0
        self._paths: list[str] = []
        self._opened = False
        self._failure: DecoderFailure | None = None
        self._reconnects_before = 0
        self._next_index = 0
        self._first_at: float | None = None
        self._process: DecoderProcess | None = None
        self._closing = threading.Lock()
        try:
            self._start(None)
        except DecoderFailure as failure:
            self._keep(failure)
        self.timer = ReconnectTimer(f"{self.kind} {self.name}", plan.reconnect_timeout_s, self.tell)

    @property
    def pid(self) -> int | None:
        """The number of the process that decodes, None while there is none."""
        return None if self._process is None else self._process.pid

    def open(self) -> None:
        """Let the process check what can be checked; raises ``UserError``.

        Should it crash or hang in that, reading says so: other streams run all the same.
        """
        try:
            if self._failure is None:
                self._open(None)
        except DecoderFailure as failure:
            self._keep(failure)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """The source's frames; see :meth:`Source.frames`."""
        self.timer.begin()
        while not stop.is_set():
            began = time.monotonic()
            try:
                yield from self._read(stop)
                return
            except DecoderFailure as error:
                failure = error
            finally:
                self.close()
            self._give_up_unless_live(failure)
            if time.monotonic() - began < SOON_S and self.timer.had_frames:
                stop.wait(LONGEST_PAUSE_S)
            self.timer.wait(stop, StalledError(str(failure)) if failure.how == "hung" else failure)
            self.restarts += 1
            self._reconnects_before = self.reconnects

    def input_paths(self) -> list[str]:
        """The files that the source reads."""
        return list(self._paths)

    def close(self) -> None:
        """End the process."""
        with self._closing:
            process, self._process = self._process, None
            self._opened = False
        if process is not None:
            process.end()

    def _give_up_unless_live(self, failure: DecoderFailure) -> None:
        if self.live and failure.may_pass:
            return
        count = self._next_index
        where = f"after {count} frames" if count else "before its first frame"
        text = f"{self.name}: {failure} {where}"
        self.tell("source-failed", text, reason=str(failure))
        raise DecoderFailure(failure.how, f"{text}; this source is at its end") from None

    def _keep(self, failure: DecoderFailure) -> None:
        """Keep a failure for the one who reads, unless it is an error like any other."""
        self.close()
        if not failure.may_pass:
            raise failure
        self._failure = failure

    def _start(self, stop: threading.Event | None) -> None:
        """Start a process, and hear what it has made of the plan."""
        resumed = self._next_index > 0
        self._process = DecoderProcess(self.plan, self.memory_bytes, resumed)
        try:
            news = self._hear("made", START_S, stop)
        except BaseException:
            self.close()
            raise
        if news is not None:
            made = news["made"]
            self.kind, self.name = made["kind"], made["name"]
            self._paths, self.passed_over = made["paths"], made["passed_over"]

    def _open(self, stop: threading.Event | None) -> None:
        if self._process is None:
            self._start(stop)
        assert self._process is not None
        self._process.send(OPEN)
        self._hear("opened", self.silence_s, stop)
        self._opened = True

    def _read(self, stop: threading.Event) -> Iterator[Frame]:
        """The frames of one process."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if not self._opened:
            self._open(stop)
        process = self._process
        if process is None or stop.is_set():
            return
        process.send(READ)
        first_index, resumed = self._next_index, self.restarts > 0 and self._next_index > 0
        while (news := self._hear("frame", self.silence_s, stop)) is not None:
            started = time.perf_counter()
            told = news["frame"]
            image_bgr = process.read_frame(told.pop("offset"), tuple(told.pop("shape")))
            aspect = Fraction(*told.pop("pixel_aspect"))
            frame = Frame(image_bgr=image_bgr, pixel_aspect=aspect, **told)
            capture_ms = frame.capture_ms + (time.perf_counter() - started) * 1e3
            frame = replace(frame, capture_ms=capture_ms)
            if resumed:
                frame = self._go_on(frame, first_index)
            self._note(frame)
            yield frame

    def _go_on(self, frame: Frame, first_index: int) -> Frame:
        """A frame of a fresh process with the number and the time that it has in the whole."""
        assert self._first_at is not None
        index = first_index + frame.index
        time_s = frame.captured_at - self._first_at
        return replace(frame, index=index, time_s=time_s, stem=frame_stem(index))

    def _note(self, frame: Frame) -> None:
        if self._first_at is None:
            self._first_at = frame.captured_at
        self._next_index = frame.index + 1
        if self.timer.seen_frame() and self.reconnects == self._reconnects_before:
            self._reconnects_before += 1
            self.reconnects += 1
            log.warning("%s is back", self.timer.what)

    def _hear(
        self, wanted: str, limit_s: float, stop: threading.Event | None
    ) -> dict[str, Any] | None:
        """The next news of a kind; None with ``stop``, and where the source has ended."""
        assert self._process is not None
        while (news := self._process.receive(limit_s, stop)) is not None:
            self._heed(news.get("facts", {}))
            if "event" in news:
                kind, text, facts = news["event"]
                self.tell(kind, text, **facts)
            elif "log" in news:
                name, level, text = news["log"]
                logging.getLogger(name).log(level, "%s", text)
            elif "error" in news:
                raise self._read_error(**news["error"])
            elif "ended" in news:
                return None
            elif wanted in news:
                return news
        return None

    def _heed(self, facts: dict[str, Any]) -> None:
        for name in FACTS:
            if name in facts:
                setattr(self, name, facts[name])
        if "reconnects" in facts:
            self.reconnects = self._reconnects_before + facts["reconnects"]
        if "pixel_aspect" in facts:
            self.pixel_aspect = Fraction(*facts["pixel_aspect"])
        self.values.update(facts.get("values", {}))

    def _read_error(self, kind: str, text: str, code: int) -> MgcaError:
        """An error as the process raised it."""
        if kind in ("memory", "raised"):
            if kind == "memory":
                text = f"its decoder's process needs more than {self.memory_bytes >> 20} MiB"
            return DecoderFailure(kind, text)
        known = {"source-gone": SourceGoneError, "user": UserError}
        return known.get(kind, MgcaError)(text, code)
