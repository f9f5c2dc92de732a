"""A line of JSON for each frame, and one for each event."""

from __future__ import annotations

import json
import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.redaction import redact
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register
from runtime.standard_output import write_stdout

if TYPE_CHECKING:
    from runtime.events import Event
    from runtime.objects.tracker import TrackedObject
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

FLAG = "--jsonl"
#: Events that wait for a line; who writes none for so long loses the newest.
MOST_EVENTS = 1000

__all__ = ["JsonLines", "describe_frame"]


@register
class JsonLines(Sink):
    """One line a frame, written as soon as the frame is done; ``-`` means stdout.

    Every class asked for is in every line, in the order of ``--classes``. ``with_rle`` adds each
    mask as COCO compressed RLE, ``with_objects`` the tracked objects. A change of state is a line
    of its own, with the key ``event``, written at once by a thread of its own; to a file, from its
    first frame on, since a file that exists stays until then.
    """

    key = "jsonl"
    place = 30

    @dataclass(frozen=True)
    class Options:
        """The file, and what a line holds."""

        jsonl: str | None = option(
            "a JSON line a frame, - for stdout: --jsonl areas.jsonl", metavar="FILE"
        )
        rle: bool = option(
            "masks in --jsonl as COCO RLE: --jsonl a.jsonl --rle", default=False, holds=bool
        )
        objects: bool = option(
            "tracked objects in --jsonl: --jsonl a.jsonl --objects", default=False, holds=bool
        )

    def __init__(self, path: str, with_rle: bool = False, with_objects: bool = False) -> None:
        self.file = None if path == "-" else OutputFile(path, FLAG)
        self.uses_stdout = self.file is None
        self.with_rle = with_rle
        self.wants_objects = with_objects
        self.written = 0
        self._source_name = ""
        self._stream: str | None = None
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._events: queue.Queue[Event | None] = queue.Queue(MOST_EVENTS)
        self._events_thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._events_written = 0
        self._began = self.file is None
        self._closed = False

    @classmethod
    def from_options(cls, options: Options) -> JsonLines | None:
        """One for ``--jsonl``; ``UserError`` for ``--rle`` or ``--objects`` without it."""
        if options.jsonl is None:
            if options.rle:
                raise UserError("--rle needs --jsonl FILE to write the masks to")
            if options.objects:
                raise UserError("--objects needs --jsonl FILE to write them to")
            return None
        return cls(options.jsonl, options.rle, options.objects)

    def check(self, claims: Claims) -> None:
        """Claim the file or stdout; raises ``UserError``."""
        if self.file is None:
            claims.claim_stdout(f"{FLAG} -")
        else:
            self.file.check(claims)

    def prepare(self, facts: RunFacts) -> None:
        """Where there are several streams, each line says its own."""
        self._stream = facts.stream if facts.several else None

    def begin(self, source: Source) -> None:
        """Take over the source's name."""
        self._source_name = source.name

    def write(self, item: SegmentedFrame) -> None:
        """Write one line; raises what the line of an event before it met."""
        if self._failure is not None:
            raise self._failure
        record = describe_frame(item, self.with_rle, self._source_name)
        if self.wants_objects:
            record["objects"] = [describe_object(one) for one in item.objects]
        if self._stream is not None:
            record = {"stream": self._stream, **record}
        with self._writing:
            if self.file is not None and self.file.handle is None:
                self.file.open()
            if not self._began:
                with self._starting:  # an event that comes now waits its turn
                    self._write_waiting()
                    self._began = True
            self._write_line(record)
            self.written += 1

    def note(self, event: Event) -> None:
        """Have the event written."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            return
        with self._starting:
            if self._began and not self._closed and self._events_thread is None:
                thread = threading.Thread(target=self._write_events, name="events", daemon=True)
                self._events_thread = thread
                thread.start()

    def close(self) -> None:
        """Write the events that wait, and close the file; raises what their writing met."""
        with self._starting:
            self._closed = True
            thread, self._events_thread = self._events_thread, None
        if thread is not None:
            self._events.put(None)
            thread.join()
        if self.file is not None:
            self.file.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _write_events(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                with self._writing:
                    if self._failure is None:
                        self._write_event(event)
            except Exception as error:
                self._failure = error

    def _write_waiting(self) -> None:
        """The events from before the first frame, which stand before it."""
        while not self._events.empty():
            event = self._events.get_nowait()
            if event is not None:
                self._write_event(event)

    def _write_event(self, event: Event) -> None:
        self._write_line(event.record())
        self._events_written += 1

    def _write_line(self, record: dict[str, Any]) -> None:
        # A terminal or pipe may not take every letter; a file here is always UTF-8.
        to_stdout = self.file is None
        line = json.dumps(record, ensure_ascii=to_stdout) + "\n"
        if self.file is None:
            write_stdout(line, FLAG)
        else:
            self.file.append_whole(line.encode("utf-8"))
            self.file.publish()

    def record(self) -> dict[str, Any] | None:
        """The path, the lines of frames and those of events."""
        if not self.written:
            return None
        path = "-" if self.file is None else self.file.given
        return {"path": path, "lines": self.written, "events": self._events_written}

    def summary(self) -> tuple[str, str] | None:
        """The file's path; stdout needs no telling."""
        if self.file is None or not self.written:
            return None
        return "jsonl", os.path.abspath(self.file.given)


def describe_object(one: TrackedObject) -> dict[str, Any]:
    """The record of one object: pixels, but for ``area``, a share of the picture."""
    x, y = one.thing.centroid_xy
    return {
        "id": one.id,
        "name": one.thing.class_name,
        "box_xywh": list(one.thing.box_xywh),
        "area": round(one.thing.area, 7),
        "centroid_xy": [round(x, 2), round(y, 2)],
    }


def describe_frame(item: SegmentedFrame, with_rle: bool, source_name: str = "") -> dict[str, Any]:
    """The record of one frame: number, source, time, size, each class's area and mask, latencies.

    ``source`` is the image's file, or ``source_name`` for a frame of something longer; ``spared``
    is there, and true, where the graph was not run since nothing had changed.
    """
    classes: list[dict[str, Any]] = []
    for name in item.result.class_names:
        entry: dict[str, Any] = {"name": name, "area": round(float(item.result.areas[name]), 7)}
        if with_rle:
            entry["rle"] = item.result.rle(name)
        classes.append(entry)
    record: dict[str, Any] = {
        "frame": item.frame.index,
        "source": redact(item.frame.path or source_name),
        "time_s": round(item.frame.time_s, 6),
        "size_wh": list(item.frame.size_wh),
        "classes": classes,
        "latency_ms": {stage: round(ms, 3) for stage, ms in item.latency_ms.items()},
    }
    if item.result.spared:
        record["spared"] = True
    return record
