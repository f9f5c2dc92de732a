"""A picture that moves, made here: to try a device without a camera, and to measure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runtime.sources.frame import Frame, Source, frame_stem
from runtime.sources.mode_text import read_mode_text

if TYPE_CHECKING:
    import numpy as np

FLAG = "--test-pattern"
DEFAULT = "640x480@30"
#: White, yellow, cyan, green, magenta, red and blue, at three quarters (BGR).
BARS_BGR = (
    (191, 191, 191), (0, 191, 191), (191, 191, 0), (0, 191, 0), (191, 0, 191), (0, 0, 191),
    (191, 0, 0),
)  # fmt: skip
#: The block crosses the picture once in so many frames.
CROSSING_FRAMES = 120

__all__ = ["PatternSource", "draw_pattern"]


class PatternSource(Source):
    """Colour bars, a block that moves over them and the frame's number, for ever.

    A picture depends on its size and its number alone. Live by default: a picture comes when the
    clock says so, and numbers whose time has passed are left out, as a camera would. With ``live``
    false it is a file: each picture at once, one after the other.

    Args:
        mode: ``WxH``, or ``WxH@FPS``; 640x480 at 30 a second where left out.
        live: whether pictures are paced by the clock.
    """

    kind = "test-pattern"

    def __init__(self, mode: str = DEFAULT, live: bool = True) -> None:
        super().__init__(f"test pattern {mode}")
        typed = read_mode_text(mode, FLAG, f"WxH or WxH@FPS such as {DEFAULT}", with_format=False)
        self.size_wh = typed.size_wh
        self.fps: float = typed.fps or 30.0
        self.live = live

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures until ``stop`` is set; see :meth:`Source.frames`."""
        background_bgr = draw_bars(self.size_wh)
        began, index = time.perf_counter(), 0
        while not stop.is_set():
            if self.live:
                due = began + index / self.fps
                if stop.wait(max(0.0, due - time.perf_counter())):
                    return
            started = time.perf_counter()
            image_bgr = draw_pattern(index, background_bgr)
            capture_ms = (time.perf_counter() - started) * 1e3
            yield Frame(index, index / self.fps, image_bgr, frame_stem(index), capture_ms, started)
            index += 1
            if self.live:
                index = max(index, int((time.perf_counter() - began) * self.fps))


def draw_bars(size_wh: tuple[int, int]) -> np.ndarray:
    """The picture without what moves, uint8 (height, width, 3) BGR."""
    import numpy as np

    width, height = size_wh
    bar = np.arange(width) * len(BARS_BGR) // width
    row = np.asarray(BARS_BGR, np.uint8)[bar]
    image_bgr = np.broadcast_to(row, (height, width, 3)).copy()
    ramp = (np.arange(width) * 255 // max(width - 1, 1)).astype(np.uint8)
    image_bgr[height * 3 // 4 :] = ramp[:, None]
    return image_bgr


def draw_pattern(index: int, background_bgr: np.ndarray) -> np.ndarray:
    """Picture ``index`` on :func:`draw_bars`, as a picture of its own."""
    import cv2

    image_bgr = background_bgr.copy()
    height, width = image_bgr.shape[:2]
    side = max(1, min(width, height) // 4)
    left = (width - side) * (index % CROSSING_FRAMES) // CROSSING_FRAMES
    top = (height - side) // 2
    image_bgr[top : top + side, left : left + side] = (255, 255, 255)
    scale = height / 240
    place = (round(6 * scale), height - round(12 * scale))
    thickness = max(1, round(2 * scale))
    cv2.putText(
        image_bgr, f"{index:06d}", place, cv2.FONT_HERSHEY_SIMPLEX, 1.2 * scale, (0, 0, 255),
        thickness,
    )  # fmt: skip
    return image_bgr
