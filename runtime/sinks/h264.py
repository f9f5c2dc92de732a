"""One H.264 video in an MP4 of fragments, each complete on disk when it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError
from runtime.redaction import RedactingFilter
from runtime.sinks.write_pipe import WritePipe

if TYPE_CHECKING:
    import numpy as np

TIME_BASE = Fraction(1, 90_000)  # holds 24, 25, 30, 60 and 29.97 frames/s without rounding
FRAGMENT_S = 0.5
KEY_EVERY_S = 1
#: A longer time between two frames overflows the 31 bits that FFmpeg has for it (6.6 hours).
LONGEST_GAP_S = 6 * 3600
BT709 = 1
#: By FFmpeg's names, in the order in which they are tried.
H264_ENCODERS = ("libx264", "libopenh264", "h264")

__all__ = ["H264_ENCODERS", "H264Video", "even_wh"]

log = logging.getLogger("mgca.sinks")
log.addFilter(RedactingFilter())


def even_wh(image_bgr: np.ndarray) -> tuple[int, int]:
    """The size that a picture has in the video: H.264 takes even sides only."""
    height, width = image_bgr.shape[:2]
    return width + width % 2, height + height % 2


class H264Video:
    """avc1, yuv420p, a key frame a second, in fragments of half a second; frames keep their times.

    Args:
        write_all: takes the file's bytes in order; raises ``MgcaError``.
        flag: the output that the messages name.
        size_wh: the pictures' size, even.
        fps: nominal frames per second, None if nobody knows.
        pixel_aspect: how much wider than high a pixel is shown.
        metadata: what the head of the file says about it.
        lookahead: how many frames the encoder may keep to itself for better choices; after a kill
            they are lost.

    Raises:
        MgcaError: PyAV has no encoder.
    """

    def __init__(
        self,
        write_all: Callable[[bytes], None],
        flag: str,
        size_wh: tuple[int, int],
        fps: float | None,
        pixel_aspect: Fraction,
        metadata: Mapping[str, str] | None = None,
        lookahead: int = 10,
    ) -> None:
        import av

        self.size_wh = size_wh
        self._flag = flag
        self._last_pts = -1
        self._cut_s = 0.0
        self._key_pts: int | None = None
        self._pipe = WritePipe(write_all)
        options = {
            # Every fragment can be played without its successors and stands on disk at once.
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": str(round(FRAGMENT_S * 1e6)),
            "flush_packets": "1",
        }
        self._container: Any = av.open(
            self._pipe, "w", format="mp4", container_options=options, buffer_size=1 << 16
        )
        self._container.metadata.update(metadata or {})
        self._stream = self._add_stream(max(1, round(fps or 25)), lookahead)
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect
        self._container.start_encoding()
        self._header_bytes = self._pipe.taken  # an error in it is raised with the first frame
        self._whole_bytes = self._header_bytes
        self._frames = 0

    @property
    def has_fragment(self) -> bool:
        """Whether something that plays has been written, as a whole."""
        return self._whole_bytes > self._header_bytes

    @property
    def bytes_written(self) -> int:
        """What the file holds so far."""
        return self._pipe.taken

    def write(self, image_bgr: np.ndarray, time_s: float) -> None:
        """Encode one picture, uint8 (H, W, 3) of the video's size or a row or column less.

        Args:
            image_bgr: the picture; an odd side is made even by repeating the last row or column.
            time_s: seconds since the video's first frame.
        """
        import av
        import numpy as np
        from av.video.frame import PictureType

        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(self._make_even(image_bgr)), format="bgr24"
        )
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace="ITU709",
            src_color_range="JPEG",
            dst_color_range="MPEG",
        )
        frame.pts = self._next_pts(time_s)
        frame.time_base = TIME_BASE
        if self._key_pts is None or frame.pts - self._key_pts >= KEY_EVERY_S / TIME_BASE:
            frame.pict_type = PictureType.I
            self._key_pts = frame.pts
        self._container.mux(self._stream.encode(frame))
        self._frames += 1
        self._note_whole()

    def close(self) -> None:
        """Write out what the encoder still holds and end the file; a second call does nothing."""
        container, self._container = self._container, None
        if container is not None:
            container.mux(self._stream.encode(None))
            container.close()
            self._note_whole()

    def _note_whole(self) -> None:
        """What was handed over until now stands; raises ``MgcaError`` if it does not."""
        self._pipe.raise_error()
        if self._frames and not self._pipe.broken:  # else it is the head and the tail alone
            self._whole_bytes = self._pipe.taken

    def _make_even(self, image_bgr: np.ndarray) -> np.ndarray:
        import cv2

        height, width = image_bgr.shape[:2]
        if (width, height) == self.size_wh:
            return image_bgr
        return cv2.copyMakeBorder(image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)

    def _next_pts(self, time_s: float) -> int:
        """The stamp of a frame: its time, less what was taken from gaps that MP4 cannot hold."""
        wanted = round((time_s - self._cut_s) / TIME_BASE)
        longest = round(LONGEST_GAP_S / TIME_BASE)
        if self._last_pts >= 0 and wanted - self._last_pts > longest:
            log.warning(
                "%.0f s without a picture are more than %s can hold; %g s stand for them",
                float((wanted - self._last_pts) * TIME_BASE), self._flag, LONGEST_GAP_S,
            )  # fmt: skip
            self._cut_s += float((wanted - self._last_pts - longest) * TIME_BASE)
            wanted = self._last_pts + longest
        self._last_pts = max(self._last_pts + 1, wanted)
        return self._last_pts

    def _add_stream(self, rate: int, lookahead: int) -> Any:
        import av

        options = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": str(lookahead)}
        for codec in H264_ENCODERS:
            try:
                stream = self._container.add_stream(
                    codec, rate=rate, options=options if codec == "libx264" else {}
                )
            except (av.error.FFmpegError, ValueError):
                continue
            context = stream.codec_context
            context.width, context.height = self.size_wh
            context.pix_fmt = "yuv420p"
            context.time_base = TIME_BASE
            context.gop_size = rate * KEY_EVERY_S
            context.thread_count = 2
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = 1
            stream.time_base = TIME_BASE
            return stream
        raise MgcaError(
            f"{self._flag}: this build of PyAV has no H.264 encoder; install av from PyPI"
        )
