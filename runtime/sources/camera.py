"""A camera on this machine, by number or device path."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from runtime.errors import UserError
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.reconnect import ReconnectTimer


class CameraSource(Source):
    """A local camera, opened again when it is unplugged and comes back.

    ``device`` is a number (``0``) or a path (``/dev/video0``). ``reconnect_timeout_s`` is how long
    it may be away: None means 10 s at the start and any time later.
    """

    kind = "camera"
    live = True

    def __init__(
        self,
        device: str,
        reconnect_timeout_s: float | None = None,
        size_wh: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(device)
        if not device.isdecimal() and not device.startswith("/dev/"):
            raise UserError(
                f"--camera {device!r} is not a camera; give a number such as 0 or a device such "
                "as /dev/video0 (for a network camera: --video rtsp://...)"
            )
        self.device: int | str = int(device) if device.isdecimal() else device
        self.size_wh = size_wh
        self.timer = ReconnectTimer(f"camera {device}", reconnect_timeout_s)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures for as long as the camera is there; see :meth:`Source.frames`."""
        index = 0
        first_at: float | None = None
        while not stop.is_set():
            camera = self._connect()
            if camera is None:
                self.timer.wait(stop, OSError("no such camera, or another program holds it"))
                continue
            try:
                while not stop.is_set() and camera.grab():
                    started = time.perf_counter()
                    readable, image_bgr = camera.retrieve()
                    if not readable or image_bgr is None:
                        break
                    if self.timer.seen_frame():
                        self.reconnects += 1
                        log.warning("camera %s is back", self.name)
                    first_at = started if first_at is None else first_at
                    capture_ms = (time.perf_counter() - started) * 1e3
                    yield Frame(
                        index, started - first_at, image_bgr, frame_stem(index), capture_ms, started
                    )
                    index += 1
            finally:
                camera.release()
            if not stop.is_set():
                self.timer.wait(stop, OSError("it gives no picture"))

    def _connect(self) -> Any:
        path = f"/dev/video{self.device}" if isinstance(self.device, int) else self.device
        if sys.platform.startswith("linux") and not os.path.exists(path):
            return None  # OpenCV would say the same, with pages of its own warnings
        import cv2

        silence_opencv()
        camera = cv2.VideoCapture(self.device)
        if not camera.isOpened():
            camera.release()
            return None
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures in the driver are only lag
        if self.size_wh is not None:
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, self.size_wh[0])
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size_wh[1])
        fps = camera.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps <= 1000 else self.fps
        return camera


def silence_opencv() -> None:
    """Keep OpenCV's own warnings off stderr; version 5 has the call in another place."""
    import cv2

    if hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)
    elif hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
