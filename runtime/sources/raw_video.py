"""Raw pictures on stdin, as FFmpeg's ``rawvideo`` and GStreamer's ``fdsink`` write them."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import MgcaError, UserError
from runtime.sources.changes import ChangeWatch
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.mode_text import read_mode_text
from runtime.sources.reconnect import ReconnectTimer, StalledError

if TYPE_CHECKING:
    import numpy as np

FLAG = "--stdin"
EXAMPLE = "WxH@FPS:FORMAT such as 640x480@30:bgr24"
DEFAULT_FORMAT = "bgr24"
DEFAULT_FPS = 25.0
#: How often a wait for bytes looks whether the run is over.
POLL_S = 0.1
READ_BYTES = 1 << 20

__all__ = ["RAW_FORMATS", "RawFormat", "RawVideo"]


@dataclass(frozen=True)
class RawFormat:
    """How the bytes of a picture stand.

    Attributes:
        rows: bytes of a picture, in rows of its width: three for BGR, three halves for 4:2:0.
        conversion: what OpenCV calls turning it into BGR, None for BGR itself.
        even_wh: whether the width and the height have to be even.
    """

    rows: float
    conversion: str | None
    even_wh: tuple[bool, bool] = (False, False)


_YUV420 = (True, True)
#: By FFmpeg's name and, where it has another one, GStreamer's in lower case.
RAW_FORMATS = {
    "bgr24": RawFormat(3, None),
    "bgr": RawFormat(3, None),
    "rgb24": RawFormat(3, "COLOR_RGB2BGR"),
    "rgb": RawFormat(3, "COLOR_RGB2BGR"),
    "bgra": RawFormat(4, "COLOR_BGRA2BGR"),
    "bgr0": RawFormat(4, "COLOR_BGRA2BGR"),
    "bgrx": RawFormat(4, "COLOR_BGRA2BGR"),
    "rgba": RawFormat(4, "COLOR_RGBA2BGR"),
    "rgb0": RawFormat(4, "COLOR_RGBA2BGR"),
    "rgbx": RawFormat(4, "COLOR_RGBA2BGR"),
    "gray": RawFormat(1, "COLOR_GRAY2BGR"),
    "gray8": RawFormat(1, "COLOR_GRAY2BGR"),
    "yuv420p": RawFormat(1.5, "COLOR_YUV2BGR_I420", _YUV420),
    "i420": RawFormat(1.5, "COLOR_YUV2BGR_I420", _YUV420),
    "nv12": RawFormat(1.5, "COLOR_YUV2BGR_NV12", _YUV420),
    "yuyv422": RawFormat(2, "COLOR_YUV2BGR_YUY2", (True, False)),
    "yuy2": RawFormat(2, "COLOR_YUV2BGR_YUY2", (True, False)),
    "uyvy422": RawFormat(2, "COLOR_YUV2BGR_UYVY", (True, False)),
    "uyvy": RawFormat(2, "COLOR_YUV2BGR_UYVY", (True, False)),
}


class RawVideo(Source):
    """Pictures of one size and format, one after the other, without anything between them.

    A pipe is a file: whoever writes waits for us, no picture is dropped, and picture ``index`` has
    the time ``index / fps``. With ``live`` it is a camera: what waits is dropped but for the newest
    picture, times are this machine's clock's, and silence is told as a stall. Either way the end of
    the bytes is the end of the run. YUV is read as BT.601 of limited range.

    Args:
        mode: ``WxH``, ``WxH:FORMAT``, ``WxH@FPS`` or ``WxH@FPS:FORMAT``.
        live: whether old pictures are dropped.
        descriptor: where the bytes come from; stdin's by default.

    Raises:
        UserError: the mode cannot be read, or does not fit the format.
    """

    kind = "stdin"

    def __init__(self, mode: str, live: bool = False, descriptor: int | None = None) -> None:
        super().__init__(f"stdin {mode}")
        typed = read_mode_text(mode, FLAG, EXAMPLE)
        name = typed.pixel_format or DEFAULT_FORMAT
        if name not in RAW_FORMATS:
            known = ", ".join(RAW_FORMATS)
            raise UserError(f"{FLAG} {mode}: format {name} is not known; give one of {known}")
        self.size_wh, self.format = typed.size_wh, RAW_FORMATS[name]
        odd = [side % 2 and even for side, even in zip(self.size_wh, self.format.even_wh)]  # noqa: B905
        if any(odd):
            raise UserError(
                f"{FLAG} {mode}: {name} has two pixels to one color, so its sides are even; "
                "give an even size, or another format"
            )
        self.fps: float = typed.fps or DEFAULT_FPS
        self.live = live
        self._descriptor = descriptor
        self.timer = ReconnectTimer("stdin", None, self.tell)
        self.changes = ChangeWatch("stdin", self.tell)

    @property
    def frame_bytes(self) -> int:
        """How many bytes a picture has."""
        return round(self.size_wh[0] * self.size_wh[1] * self.format.rows)

    def open(self) -> None:
        """Refuse a terminal, and a stdin that is closed; raises ``UserError``."""
        if self._descriptor is None:
            try:
                self._descriptor = sys.stdin.fileno()
            except (AttributeError, OSError, ValueError):
                raise UserError(f"{FLAG}: stdin is closed; pipe raw video into it") from None
        if os.isatty(self._descriptor):
            raise UserError(
                f"{FLAG}: stdin is a terminal; pipe raw video into it, such as ffmpeg -i a.mp4 "
                "-f rawvideo -pix_fmt bgr24 - | mgca-rt ..."
            )

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures until the bytes end; see :meth:`Source.frames`."""
        if self._descriptor is None:
            self.open()
        first_at: float | None = None
        index = 0
        while not stop.is_set():
            buffer = self._read_picture(stop, index)
            if buffer is None:
                break
            started = time.perf_counter()
            image_bgr = self._to_bgr(buffer)
            capture_ms = (time.perf_counter() - started) * 1e3
            first_at = started if first_at is None else first_at
            time_s = started - first_at if self.live else index / self.fps
            if self.live:
                self.timer.seen_frame()
                self.changes.see_time()
            yield Frame(index, time_s, image_bgr, frame_stem(index), capture_ms, started)
            index += 1
        if not index and not stop.is_set():
            raise UserError(f"{FLAG}: nothing came; is the program before the pipe running well?")

    def _read_picture(self, stop: threading.Event, index: int) -> bytearray | None:
        """The bytes of the next picture; None at the end, or with ``stop``."""
        wanted = self.frame_bytes
        buffer = bytearray(wanted)
        view, filled = memoryview(buffer), 0
        while filled < wanted:
            if not self._wait_for_bytes(stop):
                return None
            count = self._read_into(view[filled : filled + READ_BYTES])
            if not count:
                if filled:
                    log.warning(
                        "stdin ended within picture %d: %d of its %d bytes came, it is left out; "
                        "if that is a surprise, the size or the format is another one",
                        index, filled, wanted,
                    )  # fmt: skip
                return None
            filled += count
        return buffer

    def _read_into(self, view: memoryview) -> int:
        assert self._descriptor is not None
        try:
            if hasattr(os, "readv"):
                return os.readv(self._descriptor, [view])
            content = os.read(self._descriptor, len(view))
        except OSError as error:
            raise MgcaError(f"{FLAG} could not be read ({error.strerror})") from None
        view[: len(content)] = content
        return len(content)

    def _wait_for_bytes(self, stop: threading.Event) -> bool:
        """Wait until there is something to read; False with ``stop``."""
        if sys.platform == "win32":
            return not stop.is_set()  # no pipe can be waited for there
        assert self._descriptor is not None
        while not stop.is_set():
            if select.select([self._descriptor], [], [], POLL_S)[0]:
                return True
            if self.live and self.timer.had_frames and self.timer.away_s > self.timer.stall_s:
                self.timer.tell_of_absence(StalledError("no picture in time"))
        return False

    def _to_bgr(self, buffer: bytearray) -> np.ndarray:
        import cv2
        import numpy as np

        width, height = self.size_wh
        flat: np.ndarray = np.frombuffer(buffer, np.uint8)
        if self.format.conversion is None:
            return flat.reshape(height, width, 3)
        rows = (height * 3 // 2, width) if self.format.even_wh == _YUV420 else (height, width, -1)
        return np.ascontiguousarray(
            cv2.cvtColor(flat.reshape(rows), getattr(cv2, self.format.conversion))
        )
