"""Opening and decoding video with PyAV: what files, streams and their tests share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime.errors import UserError
from runtime.redaction import redact_record

#: FFmpeg reads these from any text or binary file: for them, "it opened" does not mean "a video".
NOT_VIDEO_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf", "srt", "ass", "webvtt", "lrc"})


@dataclass(frozen=True)
class DecodedPicture:
    """One decoded picture: BGR pixels, its own time in seconds (None if unknown), its cost."""

    image_bgr: np.ndarray
    pts_s: float | None
    capture_ms: float
    captured_at: float


def is_url(name: str) -> bool:
    """Whether ``name`` is an address rather than a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name) is not None


def without_secrets(error: Any) -> Any:
    """An error of FFmpeg's, of the same kind, whose texts hold no secret of an address."""
    texts = (str(error.strerror), error.filename, error.log)
    strerror, filename, log = (redact_record(text) for text in texts)
    return type(error)(error.errno, strerror, filename, log)


def open_container(name: str, **options: Any) -> Any:
    """Open a file or address for reading, whatever text its metadata holds.

    Up to version 18, PyAV refuses a file whose metadata is not UTF-8 unless it is told to ignore
    that; from version 19 on it never refuses one, and has no such argument.

    Args:
        name: A path or an address.
        **options: Passed on to ``av.open``.

    Returns:
        The open ``av`` container.

    Raises:
        av.error.FFmpegError: It cannot be opened.
        OSError: The file cannot be read.
    """
    import av

    if hasattr(av.container.InputContainer, "metadata_errors"):
        options["metadata_errors"] = "ignore"
    try:
        return av.open(name, **options)
    except av.error.FFmpegError as error:
        failure = without_secrets(error)
    raise failure  # outside, so that the library's own, with the whole address, is not its context


def find_video_stream(container: Any, name: str) -> Any:
    """The first real video stream of an open container; raises ``UserError`` if there is none."""
    if set(container.format.name.split(",")) & NOT_VIDEO_FORMATS:
        raise UserError(f"{name} is not a video (it reads as text or raw bytes); {EXPECTED}")
    for stream in container.streams.video:
        cover = "attached_pic" in str(getattr(stream, "disposition", "")).lower()
        if not cover and stream.codec_context is not None:
            return stream
    if len(container.streams.video):
        raise UserError(
            f"{name} cannot be decoded (its codec is unknown here, or the file was cut off before "
            f"the end of its index); {EXPECTED}"
        )
    kinds = sorted({stream.type for stream in container.streams})
    holds = f"it holds only {', '.join(kinds)}" if kinds else "it holds no stream"
    raise UserError(f"{name} is not a video ({holds}); {EXPECTED}")


EXPECTED = "give a video file such as .mp4, .mkv, .avi or .mov"


class Decoder:
    """Decodes one open container, packet by packet, over damaged places.

    ``damaged`` counts packets that could not be decoded; ``cut_off`` says that reading ended with
    an error rather than at the end. With ``live``, the time spent waiting for the network is not
    counted as capture time, and a broken connection raises instead of ending the video.
    """

    def __init__(self, container: Any, stream: Any, live: bool) -> None:
        self.container = container
        self.stream = stream
        self.live = live
        self.damaged = 0
        self.cut_off = False
        # Frame threads add a delay of one frame each: fine for a file, not for a live stream.
        stream.thread_type = "SLICE" if live else "AUTO"

    def pictures(self) -> Iterator[DecodedPicture]:
        """Decoded pictures in the order they are shown."""
        started = time.perf_counter()
        for packet in self._packets():
            if self.live:
                started = time.perf_counter()
            for frame in self._decode(packet):
                image_bgr = upright_bgr(frame)
                if image_bgr is None:
                    self.damaged += 1
                    continue
                capture_ms = (time.perf_counter() - started) * 1e3
                pts_s = None if frame.pts is None else float(frame.pts * frame.time_base)
                yield DecodedPicture(image_bgr, pts_s, capture_ms, started)
                started = time.perf_counter()

    def _packets(self) -> Iterator[Any]:
        import av

        try:
            yield from self.container.demux(self.stream)
        except av.error.FFmpegError:
            if self.live:
                raise
            self.cut_off = True
            yield None  # the decoder still holds the pictures before the break

    def _decode(self, packet: Any) -> list[Any]:
        import av

        if packet is not None and getattr(packet, "is_corrupt", False) and not self.live:
            self.cut_off = True
        try:
            return list(self.stream.codec_context.decode(packet))
        except EOFError:
            return []
        except av.error.FFmpegError:
            self.damaged += 1
            return []


def upright_bgr(frame: Any) -> np.ndarray | None:
    """A decoded PyAV frame as (height, width, 3) uint8 BGR, turned as its metadata asks."""
    import cv2

    if not frame.width or not frame.height:
        return None
    image_bgr = frame.to_ndarray(format="bgr24")
    turns = {
        90: cv2.ROTATE_90_COUNTERCLOCKWISE,
        -90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        -180: cv2.ROTATE_180,
    }
    turn = turns.get(round(getattr(frame, "rotation", 0) or 0))
    return image_bgr if turn is None else cv2.rotate(image_bgr, turn)
