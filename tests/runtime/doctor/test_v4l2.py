"""Cameras, by the structures of ``linux/videodev2.h`` as a driver fills them."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from runtime.doctor import cameras
from runtime.doctor.v4l2 import Camera, Mode, read_camera

# As a C compiler numbers the requests and measures the structures on 64-bit Linux.
QUERYCAP, ENUM_FMT, SIZES, INTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
BYTES = {QUERYCAP: 104, ENUM_FMT: 64, SIZES: 44, INTERVALS: 52}
CAPTURE, META, DEVICE_CAPS = 0x1, 0x00800000, 0x80000000


class Webcam:
    """YUYV in two sizes and H264 in any size; no device of Video4Linux can be made in a test."""

    def __init__(self, here: int = CAPTURE) -> None:
        self.here = here

    def __call__(self, request: int, data: bytearray) -> None:
        assert len(data) == BYTES[request]
        (index,) = struct.unpack_from("<I", data)
        if request == QUERYCAP:
            struct.pack_into("<16s32s32s", data, 0, b"uvcvideo", b"HD Webcam", b"usb-1.2")
            struct.pack_into("<III", data, 80, 0x60C00, CAPTURE | DEVICE_CAPS | META, self.here)
        elif request == ENUM_FMT:
            (kind,) = struct.unpack_from("<I", data, 4)
            assert kind == 1
            self._give(data, 44, "<4s", [(b"YUYV",), (b"H264",)], index)
        elif request == SIZES and data[4:8] == b"YUYV":
            self._give(data, 8, "<III", [(1, 640, 480), (1, 1280, 720)], index)
        elif request == SIZES:
            self._give(data, 8, "<I6I", [(3, 16, 1920, 8, 32, 1080, 4)], index)
        elif data[4:8] == b"YUYV":
            rates = [(1, 1, 15), (1, 1, 30)] if data[8:12] == struct.pack("<I", 640) else []
            self._give(data, 16, "<III", rates, index)
        else:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    def _give(self, data: bytearray, at: int, form: str, values: list, index: int) -> None:
        if index >= len(values):
            raise OSError(errno.EINVAL, "Invalid argument")
        struct.pack_into(form, data, at, *values[index])


def test_modes_of_a_webcam() -> None:
    assert read_camera(Webcam()) == Camera(
        "HD Webcam",
        "uvcvideo",
        True,
        (
            Mode("YUYV", (640, 480), (30.0, 15.0)),
            Mode("YUYV", (1280, 720)),
            Mode("H264", (1920, 1080)),
        ),
    )


def test_a_node_of_a_camera_that_gives_no_pictures() -> None:
    """A webcam has a second device for its metadata; what this one does stands in device_caps."""
    assert read_camera(Webcam(META)) == Camera("HD Webcam", "uvcvideo", False)


def test_a_device_that_is_no_camera_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "video0").touch()
    monkeypatch.setattr(cameras, "_DEVICES", tmp_path)
    monkeypatch.setattr(cameras.sys, "platform", "linux")
    found = cameras.look_at(str(tmp_path / "video0"))
    assert [(one.state, one.detail) for one in found] == [
        ("broken", "cannot be opened (Inappropriate ioctl for device)")
    ]
    (tmp_path / "video0").unlink()
    (one,) = cameras.examine()
    assert (one.state, one.detail) == ("missing", "no camera: there is no /dev/video*")
