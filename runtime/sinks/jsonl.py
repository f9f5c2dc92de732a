"""A line of JSON for each frame."""

from __future__ import annotations

import json
import sys
from typing import Any

from runtime.errors import MgcaError
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile


class JsonLines(Sink):
    """One line a frame, written as soon as the frame is done; ``-`` means stdout.

    Every class asked for is in every line, in the order of ``--classes``. ``with_rle`` adds each
    mask as COCO compressed RLE.
    """

    def __init__(self, path: str, with_rle: bool = False) -> None:
        self.file = None if path == "-" else OutputFile(path, "--jsonl")
        self.with_rle = with_rle
        self.written = 0

    def check(self) -> None:
        """Raise ``UserError`` if the file could not be written."""
        if self.file is not None:
            self.file.check()

    def write(self, item: SegmentedFrame) -> None:
        """Write one line."""
        # A terminal or pipe may not take every letter; a file here is always UTF-8.
        to_stdout = self.file is None
        line = json.dumps(describe_frame(item, self.with_rle), ensure_ascii=to_stdout) + "\n"
        if self.file is None:
            try:
                sys.stdout.write(line)
                sys.stdout.flush()
            except BrokenPipeError:
                raise MgcaError("--jsonl -: the reader of stdout went away") from None
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


def describe_frame(item: SegmentedFrame, with_rle: bool) -> dict[str, Any]:
    """The record of one frame, as DESIGN fixes it."""
    classes: list[dict[str, Any]] = []
    for name in item.result.class_names:
        entry: dict[str, Any] = {"name": name, "area": round(float(item.result.areas[name]), 7)}
        if with_rle:
            entry["rle"] = item.result.rle(name)
        classes.append(entry)
    return {
        "frame": item.frame.index,
        "time_s": round(item.frame.time_s, 6),
        "size_wh": list(item.frame.size_wh),
        "classes": classes,
        "latency_ms": {stage: round(ms, 3) for stage, ms in item.latency_ms.items()},
    }
