"""What runs in the process that decodes: one source, its pictures into the shared memory.

``sys.argv[2]`` is the memory's descriptor. On stdin comes a line of JSON that says what to read,
then commands of a byte: :data:`OPEN`, :data:`READ`, :data:`STOP`, and :data:`FREE` for each picture
that was taken. Its end is the run's end, and this process's. On stdout goes a line of JSON for each
thing that is to be told.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import select
import signal
import sys
import threading
from typing import Any, BinaryIO

from runtime.errors import MgcaError, SourceGoneError, UserError, describe_error
from runtime.heap import limit_arenas
from runtime.sources.frame import Frame, Source
from runtime.sources.isolated.limits import Pulse, StopEvent, limit_memory, start_beating
from runtime.sources.isolated.memory import FrameWriter
from runtime.sources.plan import SourcePlan

OPEN, READ, STOP, FREE = b"o", b"r", b"s", b"+"

__all__ = ["FREE", "OPEN", "READ", "STOP", "main"]


def main() -> None:
    """Do what stdin says."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the run hears them, and ends this process
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    commands, voice = _take_pipes()
    pulse = Pulse()
    start_beating(pulse, voice.tell_life)
    told = json.loads(commands.readline())
    limit_arenas()
    limit_memory(told["memory_bytes"])
    _log_through(voice, told["level"])
    _Reader(commands, voice, FrameWriter(int(sys.argv[2])), StopEvent(pulse), pulse).run(told)
    os._exit(0)  # libraries may wait for their threads; all is said by now


def _take_pipes() -> tuple[BinaryIO, _Voice]:
    """The two pipes, put where no library reads or prints."""
    commands = os.fdopen(os.dup(0), "rb")
    voice = _Voice(os.dup(1))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return commands, voice


class _Voice:
    """Tells the run, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._telling = threading.Lock()

    def tell(self, **record: Any) -> None:
        """One line of JSON; the process ends if nobody is there to read it."""
        line = memoryview(json.dumps(record).encode() + b"\n")
        try:
            with self._telling:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except OSError:
            os._exit(1)

    def tell_life(self) -> None:
        """A sign of life, unless the pipe is full: then nobody waits for one."""
        if self._telling.acquire(blocking=False):
            try:
                if select.select([], [self._descriptor], [], 0)[1]:
                    os.write(self._descriptor, b"{}\n")
            except OSError:
                os._exit(1)
            finally:
                self._telling.release()


class _Reader:
    """Opens the source and reads it, as it is told."""

    def __init__(
        self,
        commands: BinaryIO,
        voice: _Voice,
        writer: FrameWriter,
        stop: StopEvent,
        pulse: Pulse,
    ) -> None:
        self.commands, self.voice, self.writer = commands, voice, writer
        self.stop, self.pulse = stop, pulse
        self._steps: queue.Queue[bytes] = queue.Queue()
        self._facts: dict[str, Any] = {}

    def run(self, told: dict[str, Any]) -> None:
        """From the making of the source to its end; every error is told."""
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        source: Source | None = None
        try:
            source = SourcePlan(told["kind"], told["values"]).build()
            source.on_life = self.pulse.beat
            source.on_event = lambda kind, text, facts: self.voice.tell(event=[kind, text, facts])
            if told["resumed"]:
                source.resume()
            self.voice.tell(
                made={
                    "kind": source.kind,
                    "name": source.name,
                    "paths": source.input_paths(),
                    "passed_over": source.passed_over,
                },
                facts=self._new_facts(source),
            )
            while (step := self._steps.get()) == OPEN:
                source.open()
                self.voice.tell(opened=True, facts=self._new_facts(source))
            if step == READ:
                self._read(source)
            self.voice.tell(ended=True, facts=self._new_facts(source))
        except BaseException as error:
            facts = {} if source is None else self._new_facts(source)
            self.voice.tell(error=_describe(error), facts=facts)

    def _listen(self) -> None:
        """Heed the commands; at the end of the pipe the run is gone."""
        while command := self.commands.read(1):
            if command == FREE:
                self.writer.give_back()
            else:
                if command == STOP:
                    self.stop.set()
                self._steps.put(command)
        os._exit(0)

    def _read(self, source: Source) -> None:
        for frame in source.frames(self.stop):
            self.pulse.beat()
            offset = self.writer.put(frame.image_bgr, self.stop)
            if offset is None:
                return
            self.voice.tell(frame=_describe_frame(frame, offset), facts=self._new_facts(source))

    def _new_facts(self, source: Source) -> dict[str, Any]:
        """What may be known of the source by now and was not told yet."""
        aspect = source.pixel_aspect
        facts = {
            "live": source.live,
            "fps": source.fps,
            "frame_count": source.frame_count,
            "pixel_aspect": [aspect.numerator, aspect.denominator],
            "reconnects": source.reconnects,
            "unreadable": source.unreadable,
            "values": dict(source.values),
        }
        new = {name: fact for name, fact in facts.items() if self._facts.get(name, ...) != fact}
        self._facts.update(new)
        return new


def _describe_frame(frame: Frame, offset: int) -> dict[str, Any]:
    aspect = frame.pixel_aspect
    return {
        "index": frame.index,
        "time_s": frame.time_s,
        "stem": frame.stem,
        "capture_ms": frame.capture_ms,
        "captured_at": frame.captured_at,
        "pixel_aspect": [aspect.numerator, aspect.denominator],
        "path": frame.path,
        "offset": offset,
        "shape": frame.image_bgr.shape[:2],
    }


def _describe(error: BaseException) -> dict[str, Any]:
    """An error as the other process can raise it again."""
    kinds = {"source-gone": SourceGoneError, "user": UserError, "mgca": MgcaError}
    kind = next((name for name, one in kinds.items() if isinstance(error, one)), "raised")
    code = error.exit_code if isinstance(error, MgcaError) else 1
    if isinstance(error, MemoryError):
        kind = "memory"
    return {"kind": kind, "text": describe_error(error), "code": code}


class _Through(logging.Handler):
    """Tells the run what is logged."""

    def __init__(self, voice: _Voice) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        """One record, by its logger's name, its level and its text."""
        self._voice.tell(log=[record.name, record.levelno, record.getMessage()])


def _log_through(voice: _Voice, level: int) -> None:
    logger = logging.getLogger("mgca")
    logger.handlers[:] = [_Through(voice)]
    logger.propagate = False
    logger.setLevel(level)
