"""Where frames come from: cameras, video files, streams and images, behind one interface.

:func:`open_video` chooses between a file and an address. A source is read by one thread with
``for frame in source.frames(stop)``; see :class:`Source` for what every kind promises.
"""

from __future__ import annotations

from runtime.sources.camera import CameraSource
from runtime.sources.decoding import is_url
from runtime.sources.frame import Frame, Source
from runtime.sources.images import ImageSource
from runtime.sources.stream import StreamSource
from runtime.sources.video import VideoFile

__all__ = [
    "CameraSource",
    "Frame",
    "ImageSource",
    "Source",
    "StreamSource",
    "VideoFile",
    "open_video",
]


def open_video(
    name: str, reconnect_timeout_s: float | None = None, live: bool | None = None
) -> Source:
    """A source for a video file or address; raises ``UserError`` for what is neither.

    ``live`` forces an address to be treated as live (old frames are dropped, breaks are mended)
    or as a file (every frame is read, once); None finds out.
    """
    if name.lower().startswith("file://"):
        name = name[len("file://") :]
    if is_url(name):
        return StreamSource(name, reconnect_timeout_s, live)
    return VideoFile(name)
