"""Pictures of every kind as upright 8-bit BGR, the same when running and when training.

:func:`read_picture` and :func:`decode_picture` take files and bytes, :func:`frame_to_bgr` what
PyAV decoded from a video.
"""

from __future__ import annotations

from runtime.pictures.frames import frame_to_bgr
from runtime.pictures.reader import Picture, decode_picture, is_picture, read_picture
from runtime.pictures.values import ValueRange

__all__ = [
    "Picture",
    "ValueRange",
    "decode_picture",
    "frame_to_bgr",
    "is_picture",
    "read_picture",
]
