"""A recording that goes on for ever: video in segments, the oldest removed for the newest."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError, UserError
from runtime.flag_values import byte_count, duration_s, write_byte_count, write_duration
from runtime.options import option
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.h264 import H264Video, even_wh
from runtime.sinks.output_file import check_folder, make_folder
from runtime.sinks.recorded_files import MARK, NewFile, create_file, remove_oldest
from runtime.sinks.registry import register

if TYPE_CHECKING:
    import numpy as np

    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

FLAG = "--record"
SEGMENT_S = 600.0
LEAST_KEEP = 10**6
#: How often the folder's size is looked at while a segment is written.
LOOK_EVERY_S = 5.0

__all__ = ["Recording"]


@register
class Recording(Sink):
    """MP4 files of one segment each, named by stream and start; see ``recorded_files``.

    A segment ends with its time, when the pictures change size or pixel aspect, and when it alone
    holds half of what may be kept. What stands on disk plays after a kill, but for the last half
    second.
    """

    key = "record"
    place = 12

    @dataclass(frozen=True)
    class Options:
        """The folder, how it is cut and what is kept."""

        record: str | None = option(
            "record the overlay in files of a segment each: --record clips/ --segment 10m",
            metavar="DIR",
        )
        segment: float = option(
            "how long a file of --record is: --segment 10m (the default), 30s, 1h",
            default=SEGMENT_S,
            metavar="TIME",
            read=duration_s(1),
            write=write_duration,
        )
        keep: int | None = option(
            "remove the oldest files of --record where all hold more: --keep 20GB",
            metavar="SIZE",
            read=byte_count(LEAST_KEEP),
            write=write_byte_count,
        )
        record_view: str = option(
            "what --record shows: --record-view camera (default overlay)",
            default="overlay",
            choices=("overlay", "camera"),
        )

    def __init__(
        self,
        folder: str,
        segment_s: float = SEGMENT_S,
        keep_bytes: int | None = None,
        view: str = "overlay",
    ) -> None:
        self.given = folder
        self.folder = Path(folder)
        self.segment_s = segment_s
        self.keep_bytes = keep_bytes
        self.view = view
        self.frames = self.files = self.removed = 0
        self._stream = ""
        self._source: Source | None = None
        self._video: H264Video | None = None
        self._file: NewFile | None = None
        self._pixel_aspect = Fraction(1)
        self._began_s = self._looked_s = 0.0
        self._known: set[Path] = set()

    @classmethod
    def from_options(cls, options: Options) -> Recording | None:
        """One for ``--record``; ``UserError`` for the other flags without it."""
        if options.record is None:
            for name in ("segment", "keep", "record_view"):
                if getattr(options, name) != getattr(cls.Options(), name):
                    flag = name.replace("_", "-")
                    raise UserError(f"--{flag} needs --record DIR to write the files to")
            return None
        return cls(options.record, options.segment, options.keep, options.record_view)

    def check(self, claims: Claims) -> None:
        """Claim the folder; raises ``UserError``."""
        if not self.given:
            raise UserError(f"{FLAG} is empty; give the name of a folder")
        check_folder(self.folder, FLAG)
        claims.claim_folder(FLAG, self.given, shared=True)

    def prepare(self, facts: RunFacts) -> None:
        """Take over the stream's name."""
        self._stream = facts.stream

    def begin(self, source: Source) -> None:
        """Take over the source's frame rate; a stream knows it once it gave its first frame."""
        self._source = source

    def write(self, item: SegmentedFrame) -> None:
        """Encode one frame, in a new file where it is time for one."""
        image_bgr = item.overlay_bgr if self.view == "overlay" else item.frame.image_bgr
        if self._video is not None and self._is_over(self._video, item, image_bgr):
            self.close()
        try:
            video = self._video or self._start(item, image_bgr)
            video.write(image_bgr, item.frame.time_s - self._began_s)
            self.frames += 1
            if video.has_fragment:
                self._publish()
            if item.frame.time_s - self._looked_s >= LOOK_EVERY_S:
                self._look(item.frame.time_s)
        except OSError as error:
            raise self._failure(error) from None

    def _is_over(self, video: H264Video, item: SegmentedFrame, image_bgr: np.ndarray) -> bool:
        past_s = item.frame.time_s - self._began_s
        return (
            not 0 <= past_s < self.segment_s
            or even_wh(image_bgr) != video.size_wh
            or item.frame.pixel_aspect != self._pixel_aspect
            or (self.keep_bytes is not None and video.bytes_written >= self.keep_bytes / 2)
        )

    def _start(self, item: SegmentedFrame, image_bgr: np.ndarray) -> H264Video:
        make_folder(self.folder, FLAG)
        captured_at = time.time() - (time.perf_counter() - item.frame.captured_at)
        self._file = create_file(self.folder, self._stream, captured_at)
        self._began_s, self._pixel_aspect = item.frame.time_s, item.frame.pixel_aspect
        fps = None if self._source is None else self._source.fps
        self._video = H264Video(
            self._write_all, FLAG, even_wh(image_bgr), fps, self._pixel_aspect,
            metadata={"comment": MARK}, lookahead=0,
        )  # fmt: skip
        self.files += 1
        self._look(item.frame.time_s)
        return self._video

    def _look(self, time_s: float) -> None:
        """Remove the oldest files if all hold too much."""
        self._looked_s = time_s
        if self.keep_bytes is not None:
            self.removed += remove_oldest(self.folder, self.keep_bytes, self._known)

    def _write_all(self, content: bytes) -> None:
        assert self._file is not None
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.handle.write(rest) :]
        except OSError as error:
            raise self._failure(error) from None

    def _publish(self) -> None:
        if self._file is not None:
            self._known.add(self._file.publish())

    def _failure(self, error: OSError) -> MgcaError:
        path = self.folder if self._file is None else self._file.path
        return MgcaError(
            f"{FLAG}: {path} could not be written ({error.strerror or error}); "
            "free some space, give another place or a smaller --keep"
        )

    def close(self) -> None:
        """End the file that is open; a file without a picture is removed."""
        video, self._video = self._video, None
        try:
            if video is not None:
                video.close()
                if video.has_fragment:
                    self._publish()
        except OSError as error:
            raise self._failure(error) from None
        finally:
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def record(self) -> dict[str, Any] | None:
        """The folder, how many frames and files were written and how many files removed."""
        if not self.files:
            return None
        return {
            "path": self.given,
            "files": self.files,
            "frames": self.frames,
            "removed": self.removed,
        }

    def summary(self) -> tuple[str, str] | None:
        """The folder, the number of files and of those removed."""
        if not self.files:
            return None
        removed = f", {self.removed} older ones removed" if self.removed else ""
        return "recording", f"{os.path.abspath(self.given)} ({self.files} files{removed})"
