"""The cameras of this machine and their modes."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok

NAME = "cameras"
#: Where cameras cannot be listed, the first few numbers are tried.
_NUMBERS = range(4)
_SHOWN = 4
_DEVICES = Path("/dev")

__all__ = ["examine"]


def examine() -> list[Finding]:
    """A finding for each camera; one that says so where there is none."""
    if sys.platform != "linux":
        return ask(NAME, try_numbers)
    paths = [path for path in _DEVICES.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    if not paths:
        return [missing(NAME, "no camera: there is no /dev/video*")]
    paths.sort(key=lambda path: int(path.name[len("video") :]))
    found = [one for path in paths for one in ask(str(path), look_at, str(path))]
    if not any(one.state == "ok" for one in found):
        found.append(missing(NAME, "none of these devices is a camera that can be used"))
    return found


def look_at(path: str) -> list[Finding]:
    """What one device of Video4Linux says; nothing of what takes no pictures (an encoder)."""
    from runtime.doctor.v4l2 import ask_camera

    try:
        camera = ask_camera(path)
    except OSError as error:
        remedy = None
        if error.errno in (errno.EACCES, errno.EPERM):
            remedy = 'sudo usermod -aG video "$USER", then log in again'
        return [broken(path, f"cannot be opened ({error.strerror})", remedy)]
    if not camera.captures or not camera.modes:
        return []
    modes = [
        {"pixel_format": mode.pixel_format, "size_wh": list(mode.size_wh), "fps": list(mode.fps)}
        for mode in camera.modes
    ]
    widest = sorted(camera.modes, key=lambda mode: mode.size_wh[0] * mode.size_wh[1], reverse=True)
    shown = [_describe(mode.pixel_format, mode.size_wh, mode.fps) for mode in widest[:_SHOWN]]
    others = len(modes) - len(shown)
    more = f", and {others} more mode{'' if others == 1 else 's'}" if others else ""
    detail = f"{camera.name} ({camera.driver}): {', '.join(shown)}{more}"
    return [ok(path, detail, name=camera.name, driver=camera.driver, modes=modes)]


def try_numbers() -> list[Finding]:
    """The cameras that OpenCV opens by number, with the mode that each starts in."""
    import cv2

    from runtime.sources.camera import silence_opencv

    silence_opencv()
    found = []
    for number in _NUMBERS:
        camera = cv2.VideoCapture(number)
        try:
            if camera.isOpened():
                size = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
                width, height = (int(camera.get(name)) for name in size)
                mode = {"pixel_format": None, "size_wh": [width, height], "fps": []}
                found.append(ok(f"camera {number}", f"{width}x{height}", modes=[mode]))
        finally:
            camera.release()
    return found or [missing(NAME, "no camera answers to the numbers 0 to 3")]


def _describe(pixel_format: str, size_wh: tuple[int, int], fps: tuple[float, ...]) -> str:
    rate = f" at {fps[0]:g} fps" if fps else ""
    return f"{size_wh[0]}x{size_wh[1]} {pixel_format}{rate}"
