"""A camera on this machine, by number or device path."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from runtime.errors import UserError
from runtime.sources.captured import CapturedSource
from runtime.sources.frame import log

__all__ = ["CameraMode", "CameraSource", "silence_opencv"]

#: A camera's own rate differs a little from the round one it is asked for: 29.97 is 30.
RATE_TOLERANCE = 0.02


@dataclass(frozen=True)
class CameraMode:
    """What a camera is asked for, or gives; None is whatever it likes, or does not say.

    Attributes:
        size_wh: width and height in pixels.
        fps: pictures a second.
        pixel_format: how they come from the camera, as four letters (FourCC): ``MJPG``, ``YUYV``.
    """

    size_wh: tuple[int, int] | None = None
    fps: float | None = None
    pixel_format: str | None = None

    def differences(self, given: CameraMode) -> list[str]:
        """Where a camera gives something else than it was asked for, in words."""
        told = []
        if self.size_wh and given.size_wh and self.size_wh != given.size_wh:
            told.append(f"size {_size(given.size_wh)} instead of {_size(self.size_wh)}")
        if self.fps and given.fps and abs(given.fps / self.fps - 1) > RATE_TOLERANCE:
            told.append(f"{given.fps:g} frames/s instead of {self.fps:g}")
        if self.pixel_format and given.pixel_format and self.pixel_format != given.pixel_format:
            told.append(f"format {given.pixel_format} instead of {self.pixel_format}")
        return told


class CameraSource(CapturedSource):
    """A local camera, opened again when it is unplugged and comes back, or its driver hangs.

    ``device`` is a number (``0``) or a path (``/dev/video0``). ``reconnect_timeout_s`` is how long
    it may be away: None means 10 s at the start and any time later. ``mode`` is asked for; a camera
    takes the nearest it has, and what it gives instead is warned of.
    """

    kind = "camera"

    def __init__(
        self,
        device: str,
        reconnect_timeout_s: float | None = None,
        mode: CameraMode = CameraMode(),
    ) -> None:
        super().__init__(device, f"camera {device}", reconnect_timeout_s)
        if not device.isdecimal() and not device.startswith("/dev/"):
            raise UserError(
                f"--camera {device!r} is not a camera; give a number such as 0 or a device such "
                "as /dev/video0 (for a network camera: --video rtsp://...)"
            )
        self.device: int | str = int(device) if device.isdecimal() else device
        self.mode = mode
        self._told_of_mode: list[str] = []

    @property
    def absence(self) -> str:
        """Why it cannot be opened, as far as can be said."""
        return "no such camera, or another program holds it"

    def open_capture(self) -> Any:
        """Open the camera in the wanted mode."""
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
        set_mode(camera, self.mode)
        given = read_mode(camera)
        self.fps = given.fps or self.fps
        self._warn_of_mode(given)
        return camera

    def _warn_of_mode(self, given: CameraMode) -> None:
        told = self.mode.differences(given)
        if told and told != self._told_of_mode:
            log.warning(
                "camera %s gives %s; mgca-rt doctor lists its modes", self.name, ", ".join(told)
            )
        self._told_of_mode = told


def set_mode(camera: Any, mode: CameraMode) -> None:
    """Ask an open ``cv2.VideoCapture`` for a mode: the format first, sizes and rates hang on it."""
    import cv2

    if mode.pixel_format is not None:
        camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*mode.pixel_format))
    if mode.size_wh is not None:
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, mode.size_wh[0])
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, mode.size_wh[1])
    if mode.fps is not None:
        camera.set(cv2.CAP_PROP_FPS, mode.fps)


def read_mode(camera: Any) -> CameraMode:
    """What an open ``cv2.VideoCapture`` says that it gives."""
    import cv2

    width, height = (
        round(camera.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    fps = camera.get(cv2.CAP_PROP_FPS)
    letters = (int(camera.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF).to_bytes(4, "little")
    return CameraMode(
        (width, height) if width > 0 and height > 0 else None,
        fps if 0 < fps <= 1000 else None,
        letters.decode("ascii") if letters.isalnum() else None,
    )


def silence_opencv() -> None:
    """Keep OpenCV's own warnings off stderr; version 5 has the call in another place."""
    import cv2

    if hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)
    elif hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
