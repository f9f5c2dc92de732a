"""The overlay video: fragmented H.264 MP4 that plays in a browser, even after a kill."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register

if TYPE_CHECKING:
    import numpy as np

    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

ENDINGS = (".mp4", ".m4v")
TIME_BASE = Fraction(1, 90_000)  # holds 24, 25, 30, 60 and 29.97 frames/s without rounding
FRAGMENT_S = 0.5
KEY_EVERY_S = 1
#: A longer time between two frames overflows the 31 bits that FFmpeg has for it (6.6 hours).
LONGEST_GAP_S = 6 * 3600
BT709 = 1

__all__ = ["OverlayVideo"]

log = logging.getLogger("mgca.sinks")


@register
class OverlayVideo(Sink):
    """H.264 (avc1, yuv420p) in fragments of half a second, each complete on disk when it ends.

    Frames keep their own times, a key frame a second. The first frame fixes the size (made even by
    repeating the last row or column) and the pixel aspect; a later frame of another size is fitted
    into it with black borders.

    Attributes:
        fps: nominal frames per second, None if the source does not say.
    """

    key = "out"
    place = 10

    @dataclass(frozen=True)
    class Options:
        """The file."""

        out: str | None = option(
            "overlay video, without sound: --out overlay.mp4", metavar="FILE.mp4"
        )

    def __init__(self, path: str, fps: float | None = None) -> None:
        self.file = OutputFile(path, "--out")
        self.fps = fps
        self.written = 0
        self._source: Source | None = None
        self._container: Any = None
        self._pipe: _WritePipe | None = None
        self._header_bytes = 0
        self._stream: Any = None
        self._size_wh = (0, 0)
        self._last_pts = -1
        self._cut_s = 0.0
        self._key_pts: int | None = None
        self._warned = False

    @classmethod
    def from_options(cls, options: Options) -> OverlayVideo | None:
        """One for ``--out``."""
        return None if options.out is None else cls(options.out)

    def check(self, claims: Claims) -> None:
        """Claim the file; raises ``UserError``, also for a name that is not an MP4's."""
        self.file.check(claims)
        if not self.file.is_special() and self.file.path.suffix.lower() not in ENDINGS:
            raise UserError(f"--out {self.file.given} should end in .mp4; it is always an MP4 file")

    def begin(self, source: Source) -> None:
        """Take over the source's frame rate; a stream knows it once it gave its first frame."""
        self._source = source

    def write(self, item: SegmentedFrame) -> None:
        """Encode one frame."""
        import av
        import numpy as np
        from av.video.frame import PictureType

        if self._container is None:
            self._start(item.overlay_bgr, item.frame.pixel_aspect)
        image_bgr = np.ascontiguousarray(self._fit(item.overlay_bgr))
        frame = av.VideoFrame.from_ndarray(image_bgr, format="bgr24")
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace="ITU709",
            src_color_range="JPEG",
            dst_color_range="MPEG",
        )
        frame.pts = self._next_pts(item.frame.time_s)
        frame.time_base = TIME_BASE
        if self._key_pts is None or frame.pts - self._key_pts >= KEY_EVERY_S / TIME_BASE:
            frame.pict_type = PictureType.I
            self._key_pts = frame.pts
        self._container.mux(self._stream.encode(frame))
        self._raise_write_error()
        self.written += 1
        assert self._pipe is not None
        if self._pipe.taken > self._header_bytes:  # a whole fragment stands on disk
            self.file.publish()

    def _next_pts(self, time_s: float) -> int:
        """The stamp of a frame: its time, less what was taken from gaps that MP4 cannot hold."""
        wanted = round((time_s - self._cut_s) / TIME_BASE)
        longest = round(LONGEST_GAP_S / TIME_BASE)
        if self._last_pts >= 0 and wanted - self._last_pts > longest:
            log.warning(
                "%.0f s without a picture are more than --out can hold; %g s stand for them",
                float((wanted - self._last_pts) * TIME_BASE), LONGEST_GAP_S,
            )  # fmt: skip
            self._cut_s += float((wanted - self._last_pts - longest) * TIME_BASE)
            wanted = self._last_pts + longest
        self._last_pts = max(self._last_pts + 1, wanted)
        return self._last_pts

    def _start(self, image_bgr: np.ndarray, pixel_aspect: Fraction) -> None:
        import av

        if self._source is not None:
            self.fps = self._source.fps
        height, width = image_bgr.shape[:2]
        self._size_wh = (width + width % 2, height + height % 2)
        options = {
            # Every fragment can be played without its successors and stands on disk at once.
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": str(round(FRAGMENT_S * 1e6)),
            "flush_packets": "1",
        }
        self._pipe = _WritePipe(self.file)
        self._container = av.open(
            self._pipe, "w", format="mp4", container_options=options, buffer_size=1 << 16
        )
        self._stream = self._add_stream(max(1, round(self.fps or 25)))
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect
        self._container.start_encoding()
        self._header_bytes = self._pipe.taken

    def _add_stream(self, rate: int) -> Any:
        import av

        keyframe_every = max(1, round(rate * 1.0))
        for codec in ("libx264", "libopenh264", "h264"):
            options = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": "10"}
            try:
                stream = self._container.add_stream(
                    codec, rate=rate, options=options if codec == "libx264" else {}
                )
            except (av.error.FFmpegError, ValueError):
                continue
            context = stream.codec_context
            context.width, context.height = self._size_wh
            context.pix_fmt = "yuv420p"
            context.time_base = TIME_BASE
            context.gop_size = keyframe_every
            context.thread_count = 2
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = 1
            stream.time_base = TIME_BASE
            return stream
        raise MgcaError("--out: this build of PyAV has no H.264 encoder; install av from PyPI")

    def _fit(self, image_bgr: np.ndarray) -> np.ndarray:
        import cv2
        import numpy as np

        height, width = image_bgr.shape[:2]
        to_width, to_height = self._size_wh
        if (width + width % 2, height + height % 2) == self._size_wh:
            if (width, height) == self._size_wh:
                return image_bgr
            return cv2.copyMakeBorder(image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        if not self._warned:
            log.warning(
                "the picture size changed to %dx%d; --out stays %dx%d and fits it in",
                width, height, to_width, to_height,
            )  # fmt: skip
            self._warned = True
        scale = min(to_width / width, to_height / height)
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
        canvas = np.zeros((to_height, to_width, 3), np.uint8)
        left, top = (to_width - size_wh[0]) // 2, (to_height - size_wh[1]) // 2
        canvas[top : top + size_wh[1], left : left + size_wh[0]] = small
        return canvas

    def close(self) -> None:
        """Write out what the encoder still holds and end the file."""
        container, self._container = self._container, None
        try:
            if container is not None:
                container.mux(self._stream.encode(None))
                container.close()
                self._raise_write_error()
                self.file.publish()
        finally:
            self.file.close()

    def _raise_write_error(self) -> None:
        if self._pipe is not None and self._pipe.error is not None:
            error, self._pipe.error = self._pipe.error, None
            raise error

    def record(self) -> dict[str, Any] | None:
        """The path, the number of frames and the size."""
        if not self.written:
            return None
        return {
            "path": self.file.given,
            "frames": self.written,
            "size_wh": list(self._size_wh),
        }

    def summary(self) -> tuple[str, str] | None:
        """The file's path, the number of frames and the size."""
        if not self.written:
            return None
        width, height = self._size_wh
        path = os.path.abspath(self.file.given)
        return "video", f"{path} ({self.written} frames, {width}x{height})"


class _WritePipe:
    """What PyAV writes to. It never fails: an exception inside FFmpeg's callback ends in a crash.

    The first error is kept, to be raised outside; after it nothing more is written.
    """

    def __init__(self, file: OutputFile) -> None:
        self.error: MgcaError | None = None
        self.taken = 0
        self._file = file
        self._broken = False
        file.open()

    def write(self, content: bytes) -> int:
        if not self._broken:
            try:
                self._file.write_all(bytes(content))
            except MgcaError as error:
                self.error = error
                self._broken = True
        self.taken += len(content)
        return len(content)
