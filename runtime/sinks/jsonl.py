"""A line of JSON for each frame."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.redaction import redact
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register
from runtime.standard_output import write_stdout

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

FLAG = "--jsonl"

__all__ = ["JsonLines", "describe_frame"]


@register
class JsonLines(Sink):
    """One line a frame, written as soon as the frame is done; ``-`` means stdout.

    Every class asked for is in every line, in the order of ``--classes``. ``with_rle`` adds each
    mask as COCO compressed RLE.
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

    def __init__(self, path: str, with_rle: bool = False) -> None:
        self.file = None if path == "-" else OutputFile(path, FLAG)
        self.uses_stdout = self.file is None
        self.with_rle = with_rle
        self.written = 0
        self._source_name = ""

    @classmethod
    def from_options(cls, options: Options) -> JsonLines | None:
        """One for ``--jsonl``; ``UserError`` for ``--rle`` without it."""
        if options.jsonl is None:
            if options.rle:
                raise UserError("--rle needs --jsonl FILE to write the masks to")
            return None
        return cls(options.jsonl, options.rle)

    def check(self, claims: Claims) -> None:
        """Claim the file or stdout; raises ``UserError``."""
        if self.file is None:
            claims.claim_stdout(f"{FLAG} -")
        else:
            self.file.check(claims)

    def begin(self, source: Source) -> None:
        """Take over the source's name."""
        self._source_name = source.name

    def write(self, item: SegmentedFrame) -> None:
        """Write one line."""
        # A terminal or pipe may not take every letter; a file here is always UTF-8.
        to_stdout = self.file is None
        record = describe_frame(item, self.with_rle, self._source_name)
        line = json.dumps(record, ensure_ascii=to_stdout) + "\n"
        if self.file is None:
            write_stdout(line, FLAG)
        else:
            if self.file.handle is None:
                self.file.open()
            self.file.write_all(line.encode("utf-8"))
            self.file.publish()
        self.written += 1

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()

    def record(self) -> dict[str, Any] | None:
        """The path and the number of lines."""
        if not self.written:
            return None
        return {"path": "-" if self.file is None else self.file.given, "lines": self.written}

    def summary(self) -> tuple[str, str] | None:
        """The file's path; stdout needs no telling."""
        if self.file is None or not self.written:
            return None
        return "jsonl", os.path.abspath(self.file.given)


def describe_frame(item: SegmentedFrame, with_rle: bool, source_name: str = "") -> dict[str, Any]:
    """The record of one frame: number, source, time, size, each class's area and mask, latencies.

    ``source`` is the image's file, or ``source_name`` for a frame of something longer.
    """
    classes: list[dict[str, Any]] = []
    for name in item.result.class_names:
        entry: dict[str, Any] = {"name": name, "area": round(float(item.result.areas[name]), 7)}
        if with_rle:
            entry["rle"] = item.result.rle(name)
        classes.append(entry)
    return {
        "frame": item.frame.index,
        "source": redact(item.frame.path or source_name),
        "time_s": round(item.frame.time_s, 6),
        "size_wh": list(item.frame.size_wh),
        "classes": classes,
        "latency_ms": {stage: round(ms, 3) for stage, ms in item.latency_ms.items()},
    }
