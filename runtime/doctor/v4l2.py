"""What a camera says of itself through Video4Linux: questions to its driver, no picture is taken.

So a camera that another program holds answers too, and none is switched on. Numbers and layouts are
those of ``linux/videodev2.h``, which are the same on every 64-bit Linux.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_QUERYCAP, _ENUM_FMT = 0x80685600, 0xC0405602
_ENUM_FRAMESIZES, _ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
_CAPABILITY_BYTES, _FORMAT_BYTES, _SIZE_BYTES, _INTERVAL_BYTES = 104, 64, 44, 52
_CAPTURE, _CAPTURE_PLANES, _HAS_DEVICE_CAPS = 0x1, 0x1000, 0x80000000
#: Of V4L2_BUF_TYPE: one plane, several planes.
_ONE_PLANE, _PLANES = 1, 9
_DISCRETE = 1
#: A driver that never comes to an end of its list is broken.
_MOST = 256

__all__ = ["Camera", "Mode", "ask_camera"]

#: Asks a driver: the request's number and its structure in; the structure as the driver left it.
Ioctl = Callable[[int, bytearray], None]


@dataclass(frozen=True)
class Mode:
    """One size in one pixel format.

    Attributes:
        pixel_format: its four letters, such as ``MJPG``.
        size_wh: width and height in pixels, the largest where the camera takes any size.
        fps: frame rates that it offers at that size, the fastest first; empty if it does not say.
    """

    pixel_format: str
    size_wh: tuple[int, int]
    fps: tuple[float, ...] = ()


@dataclass(frozen=True)
class Camera:
    """A device's name and driver, and its modes: empty for what is no camera (an encoder)."""

    name: str
    driver: str
    captures: bool
    modes: tuple[Mode, ...] = field(default=())


def ask_camera(path: str) -> Camera:
    """Ask the device at a path such as ``/dev/video0``; raises ``OSError`` where it cannot be."""
    import fcntl

    device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        return read_camera(lambda request, data: _ioctl(fcntl.ioctl, device, request, data))
    finally:
        os.close(device)


def read_camera(ioctl: Ioctl) -> Camera:
    """The same of whatever answers ``ioctl``."""
    data = bytearray(_CAPABILITY_BYTES)
    ioctl(_QUERYCAP, data)
    driver, name = _text(data[:16]), _text(data[16:48])
    everything, here = struct.unpack_from("<II", data, 84)
    abilities = here if everything & _HAS_DEVICE_CAPS else everything
    captures = bool(abilities & (_CAPTURE | _CAPTURE_PLANES))
    if not captures:
        return Camera(name, driver, captures)
    kind = _ONE_PLANE if abilities & _CAPTURE else _PLANES
    modes = tuple(mode for one in _formats(ioctl, kind) for mode in _modes(ioctl, one))
    return Camera(name, driver, captures, modes)


def _ioctl(call: Callable[..., object], device: int, request: int, data: bytearray) -> None:
    call(device, request, data, True)


def _formats(ioctl: Ioctl, kind: int) -> Iterator[bytes]:
    """The four bytes of each pixel format."""
    for index in range(_MOST):
        data = bytearray(_FORMAT_BYTES)
        struct.pack_into("<II", data, 0, index, kind)
        if not _answers(ioctl, _ENUM_FMT, data):
            return
        yield bytes(data[44:48])


def _modes(ioctl: Ioctl, pixel_format: bytes) -> Iterator[Mode]:
    name = pixel_format.decode("ascii", "replace").strip()
    for index in range(_MOST):
        data = bytearray(_SIZE_BYTES)
        struct.pack_into("<I4s", data, 0, index, pixel_format)
        if not _answers(ioctl, _ENUM_FRAMESIZES, data):
            return
        (kind,) = struct.unpack_from("<I", data, 8)
        if kind == _DISCRETE:
            width, height = struct.unpack_from("<II", data, 12)
        else:  # any size in steps: least, most and step of the width, then of the height
            width, height = struct.unpack_from("<I8xI", data, 16)
        yield Mode(name, (width, height), _rates(ioctl, pixel_format, width, height))
        if kind != _DISCRETE:
            return


def _rates(ioctl: Ioctl, pixel_format: bytes, width: int, height: int) -> tuple[float, ...]:
    rates = []
    for index in range(_MOST):
        data = bytearray(_INTERVAL_BYTES)
        struct.pack_into("<I4sII", data, 0, index, pixel_format, width, height)
        if not _answers(ioctl, _ENUM_FRAMEINTERVALS, data):
            break
        (kind,) = struct.unpack_from("<I", data, 16)
        above, below = struct.unpack_from("<II", data, 20)  # the shortest, where it takes any
        if above:
            rates.append(round(below / above, 3))
        if kind != _DISCRETE:
            break
    return tuple(sorted(set(rates), reverse=True))


def _answers(ioctl: Ioctl, request: int, data: bytearray) -> bool:
    """Whether there is one more; a driver that does not know the question says so in two ways."""
    try:
        ioctl(request, data)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return False
        raise
    return True


def _text(data: bytearray) -> str:
    return bytes(data).split(b"\0")[0].decode("utf-8", "replace")
