"""Where frames come from: cameras, files, streams, images, pipelines, pipes; one interface.

:func:`open_video` chooses between a file and an address. A source is read by one thread with
``for frame in source.frames(stop)``; see :class:`Source` for what every kind promises.
"""

from __future__ import annotations

from runtime.errors import UserError
from runtime.sources.camera import CameraMode, CameraSource
from runtime.sources.decoding import is_url
from runtime.sources.frame import Frame, Source
from runtime.sources.gstreamer import GStreamerSource
from runtime.sources.images import ImageSource
from runtime.sources.pattern import PatternSource
from runtime.sources.raw_video import RawVideo
from runtime.sources.stream import StreamSource
from runtime.sources.video import VideoFile

__all__ = [
    "CameraMode",
    "CameraSource",
    "Frame",
    "GStreamerSource",
    "ImageSource",
    "PatternSource",
    "RawVideo",
    "Source",
    "StreamSource",
    "VideoFile",
    "open_video",
]


def open_video(
    name: str,
    reconnect_timeout_s: float | None = None,
    live: bool | None = None,
    loop: bool = False,
) -> Source:
    """A source for a video file or address; raises ``UserError`` for what is neither.

    ``live`` forces an address to be treated as live (old frames are dropped, breaks are mended)
    or as a file (every frame is read, once); None finds out. ``loop`` begins a file again at its
    end; an address is not read again.
    """
    if name.lower().startswith("file://"):
        name = name[len("file://") :]
    if not is_url(name):
        return VideoFile(name, loop)
    if loop:
        raise UserError(
            "--loop is for files and images, not for an address; download it first, or leave it out"
        )
    return StreamSource(name, reconnect_timeout_s, live)
