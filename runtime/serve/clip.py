"""The last seconds of a stream, kept as JPEGs in bounded memory, made a video when asked for."""

from __future__ import annotations

import io
import threading
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CLIP_S = 12.0
MOST_BYTES = 24 << 20
#: Pictures a second that are kept while nobody watches; drawing more would cost for nothing.
IDLE_FPS = 5.0
_CLOCK = 90_000

__all__ = ["CLIP_S", "IDLE_FPS", "ClipRing", "encode_clip"]


class ClipRing:
    """The newest pictures of one stream; used by its thread and by requests."""

    def __init__(self, seconds: float = CLIP_S, most_bytes: int = MOST_BYTES) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._pictures: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._changing = threading.Lock()

    def add(self, at_s: float, jpeg: bytes) -> None:
        """Keep a picture taken at a time that never goes back; older ones go."""
        with self._changing:
            self._pictures.append((at_s, jpeg))
            self._bytes += len(jpeg)
            while self._pictures and (
                self._pictures[0][0] < at_s - self._seconds or self._bytes > self._most_bytes
            ):
                self._bytes -= len(self._pictures.popleft()[1])

    def pictures(self) -> list[tuple[float, bytes]]:
        """Times in seconds and JPEGs, oldest first."""
        with self._changing:
            return list(self._pictures)


def encode_clip(pictures: list[tuple[float, bytes]]) -> bytes:
    """An MP4 (H.264) of pictures with their times; at least one picture.

    All take the size of the last one, which a source that changes its size may not have had before.
    """
    import av
    import cv2

    target = io.BytesIO()
    last = _decode(pictures[-1][1])
    width, height = last.shape[1] // 2 * 2 or 2, last.shape[0] // 2 * 2 or 2
    with av.open(target, "w", format="mp4") as container:
        options = {"preset": "veryfast", "crf": "23"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _CLOCK)
        stream.codec_context.thread_count = 1  # the model needs the others
        ticks = -1
        for at_s, jpeg in pictures:
            image = _decode(jpeg)
            if image.shape[:2] != (height, width):
                image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            ticks = max(ticks + 1, round((at_s - pictures[0][0]) * _CLOCK))
            frame.pts, frame.time_base = ticks, Fraction(1, _CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def _decode(jpeg: bytes) -> np.ndarray:
    import cv2
    import numpy as np

    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return image  # type: ignore[no-any-return]
