"""The label video: label images as one lossless stream, FFV1 in Matroska."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.label_list import describe_classes
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register
from runtime.sinks.write_pipe import SeekableWritePipe, WritePipe

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

FLAG = "--label-video"
TIME_BASE = Fraction(1, 1000)  # Matroska's own
#: The tag that holds what the values mean, as JSON; Matroska writes tags in capitals.
TAG = "MGCA_LABELS"
FULL_RANGE = 2
#: A cluster is written as a whole: this much is lost by a kill.
CLUSTER_MS = 500

__all__ = ["TAG", "LabelVideo"]


@register
class LabelVideo(Sink):
    """One 8-bit grey picture a frame, value = class index, 255 = none; every value comes back.

    The file's tag :data:`TAG` says what the values mean. A video has one size and one class list:
    where either changes, a further file begins, ``labels-2.mkv`` beside ``labels.mkv``, under the
    next name that is free.
    """

    key = "label_video"
    place = 22

    @dataclass(frozen=True)
    class Options:
        """The file."""

        label_video: str | None = option(
            "lossless video of the labels, value = place in --classes, 255 = none: "
            "--label-video labels.mkv",
            metavar="FILE.mkv",
        )

    def __init__(self, path: str) -> None:
        self.given = path
        self.written = 0
        self.files = self._frames_in_file = 0
        self._file = OutputFile(path, FLAG)
        self._first = self._file.path
        self._facts: RunFacts | None = None
        self._source: Source | None = None
        self._container: Any = None
        self._stream: Any = None
        self._pipe: WritePipe | None = None
        self._header_bytes = 0
        self._shape_and_names: tuple[tuple[int, ...], tuple[str, ...]] | None = None
        self._began_s = 0.0
        self._last_pts = -1

    @classmethod
    def from_options(cls, options: Options) -> LabelVideo | None:
        """One for ``--label-video``."""
        return None if options.label_video is None else cls(options.label_video)

    def check(self, claims: Claims) -> None:
        """Claim the file; raises ``UserError``, also for a name that is not a Matroska file's."""
        self._file.check(claims)
        if not self._file.is_special() and self._file.path.suffix.lower() != ".mkv":
            raise UserError(f"{FLAG} {self.given} should end in .mkv; it is always a Matroska file")

    def prepare(self, facts: RunFacts) -> None:
        """Take over what the values mean."""
        self._facts = facts

    def begin(self, source: Source) -> None:
        """Take over the source's frame rate."""
        self._source = source

    def write(self, item: SegmentedFrame) -> None:
        """Encode one label image."""
        import av
        import numpy as np

        labels = item.result.labels
        kind = labels.shape, item.result.class_names
        if kind != self._shape_and_names:
            self.close()
            self._start(item)
            self._shape_and_names = kind
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(labels), format="gray")
        wanted = round((item.frame.time_s - self._began_s) / TIME_BASE)
        self._last_pts = max(self._last_pts + 1, wanted)
        frame.pts, frame.time_base = self._last_pts, TIME_BASE
        frame.color_range = FULL_RANGE
        self._container.mux(self._stream.encode(frame))
        assert self._pipe is not None
        self._pipe.raise_error()
        self.written += 1
        self._frames_in_file += 1
        if self._pipe.taken > self._header_bytes:
            self._file.publish()

    def _start(self, item: SegmentedFrame) -> None:
        import av

        if self.files:
            self._file = OutputFile(self._next_free(), FLAG)
        handle = self._file.open()
        write_all = self._file.write_all
        self._pipe = WritePipe(write_all)
        if handle.seekable():  # then the file knows its duration and where its frames are
            self._pipe = SeekableWritePipe(handle, write_all)
        options = {"cluster_time_limit": str(CLUSTER_MS), "flush_packets": "1"}
        container: Any = av.open(self._pipe, "w", format="matroska", container_options=options)
        container.metadata[TAG] = json.dumps(self._describe(item), ensure_ascii=False)
        fps = None if self._source is None else self._source.fps
        # Every frame by itself and with checksums: damage is told, and ends with its frame.
        how = {"level": "3", "g": "1", "slicecrc": "1"}
        stream = container.add_stream("ffv1", rate=max(1, round(fps or 25)), options=how)
        stream.height, stream.width = item.result.labels.shape
        stream.pix_fmt = "gray"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        stream.codec_context.color_range = FULL_RANGE
        stream.codec_context.sample_aspect_ratio = item.frame.pixel_aspect
        self._container, self._stream = container, stream
        container.start_encoding()
        self._header_bytes, self._last_pts = self._pipe.taken, -1
        self._frames_in_file = 0
        self._began_s = 0.0 if not self.files else item.frame.time_s
        self.files += 1
        self._pipe.raise_error()

    def _describe(self, item: SegmentedFrame) -> dict[str, Any]:
        """What the values mean: of the run's facts, those of the frame's own classes."""
        names, facts = item.result.class_names, self._facts
        if facts is None:
            return describe_classes(RunFacts(names, (), ""))
        return describe_classes(replace(facts, class_names=names))

    def _next_free(self) -> Path:
        """The next name beside the first file's that nothing has."""
        first, number = self._first, 2
        while (path := first.with_name(f"{first.stem}-{number}{first.suffix}")).exists():
            number += 1
        return path

    def close(self) -> None:
        """Write out what the encoder still holds and end the file."""
        container, self._container = self._container, None
        try:
            if container is not None:
                container.mux(self._stream.encode(None))
                container.close()
                assert self._pipe is not None
                self._pipe.raise_error()
                if self._frames_in_file and not self._pipe.broken:
                    self._file.publish()
        finally:
            self._file.close()
            self._shape_and_names = None

    def record(self) -> dict[str, Any] | None:
        """The path, the number of frames and of files."""
        if not self.written:
            return None
        return {"path": self.given, "frames": self.written, "files": self.files}

    def summary(self) -> tuple[str, str] | None:
        """The file's path and the number of frames."""
        if not self.written:
            return None
        more = f" in {self.files} files" if self.files > 1 else ""
        return "labels", f"{os.path.abspath(self.given)} ({self.written} frames{more})"
