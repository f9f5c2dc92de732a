"""A GStreamer pipeline, through PyGObject or through an OpenCV that is built with GStreamer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from runtime.errors import UserError
from runtime.redaction import redact_pipeline, remember_pipeline
from runtime.sources.camera import read_mode, silence_opencv
from runtime.sources.captured import CapturedSource
from runtime.sources.grabbing import Capture

FLAG = "--gstreamer"
#: What a pipeline ends in: one picture at most waits, the newest.
APPSINK = "appsink max-buffers=1 drop=true"
_HOW_TO_GET_IT = (
    "sudo apt-get install python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-good, in a virtual "
    "environment made with --system-site-packages, or use an OpenCV that is built with GStreamer"
)

__all__ = ["GStreamerSource", "complete_pipeline"]


class GStreamerSource(CapturedSource):
    """The pictures that a pipeline brings to its ``appsink``, live; opened again when it breaks.

    ``pipeline`` is written as for ``gst-launch-1.0``; the conversion to BGR and the ``appsink`` are
    added where it names none. ``reconnect_timeout_s`` is how long it may be away: None means 10 s
    at the start and any time later.

    Raises:
        UserError: the text is empty or has two ends, or nothing here plays pipelines.
    """

    kind = "gstreamer"

    def __init__(self, pipeline: str, reconnect_timeout_s: float | None = None) -> None:
        remember_pipeline(pipeline)
        shown = redact_pipeline(" ".join(pipeline.split()))
        super().__init__(shown, "the GStreamer pipeline", reconnect_timeout_s)
        self.pipeline = complete_pipeline(pipeline)
        self._open = _find_player()

    def open(self) -> None:
        """Ask GStreamer about the text; raises ``UserError`` with its own words."""
        from runtime.sources.gstreamer_library import find_fault

        fault = find_fault(self.pipeline)
        if fault is not None:
            raise UserError(
                f"{FLAG} {self.name}: GStreamer refuses it ({fault}); try it with gst-launch-1.0 "
                "first, with autovideosink in place of appsink"
            )

    @property
    def absence(self) -> str:
        """Why it cannot be opened, as far as can be said."""
        return "it cannot be played"

    def open_capture(self) -> Capture | None:
        """Play the pipeline from its beginning."""
        capture = self._open(self.pipeline)
        if capture is not None and hasattr(capture, "get"):
            self.fps = read_mode(capture).fps
        return capture  # type: ignore[no-any-return]


def complete_pipeline(text: str) -> str:
    """A pipeline's text with an ``appsink`` that takes BGR at its end.

    One that names an ``appsink`` is taken as it is, but for the sink's limits where it sets none.

    >>> complete_pipeline("videotestsrc")
    'videotestsrc ! videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=1 drop=true'
    """
    text = text.strip().strip("!").strip()
    ends = len(re.findall(r"(?<![\w-])appsink(?![\w-])", text))
    if not text:
        raise UserError(f"{FLAG} is empty; give a pipeline such as 'v4l2src ! videoconvert'")
    if ends > 1:
        raise UserError(f"{FLAG} has {ends} appsinks; a stream is one picture at a time, give one")
    if not ends:
        return f"{text} ! videoconvert ! video/x-raw,format=BGR ! {APPSINK}"
    if re.search(r"appsink[^!]*\b(max-buffers|drop)\s*=", text):
        return text
    return re.sub(r"(?<![\w-])appsink(?![\w-])", APPSINK, text)


def _find_player() -> Callable[[str], Any]:
    """What opens pipelines here; raises ``UserError`` where nothing does.

    PyGObject says what is wrong with a pipeline and can end a read; OpenCV can do neither.
    """
    import cv2

    try:
        from runtime.sources.gstreamer_gi import GiCapture

        return GiCapture.open
    except (ImportError, ValueError) as error:  # ValueError where GStreamer's typelib is missing
        why = str(error)
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        return _open_with_opencv
    raise UserError(
        f"{FLAG}: this OpenCV is built without GStreamer (as PyPI's are), and PyGObject is not "
        f"there ({why}); {_HOW_TO_GET_IT}"
    )


def _open_with_opencv(pipeline: str) -> Any:
    import cv2

    silence_opencv()
    capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    if capture.isOpened():
        return capture
    capture.release()
    return None
