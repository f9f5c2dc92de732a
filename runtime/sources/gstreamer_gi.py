"""A GStreamer pipeline played through PyGObject; importing it raises where that is not there."""

from __future__ import annotations

from typing import Any

import gi
import numpy as np

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 - after the version

from runtime.redaction import redact  # noqa: E402

#: How long one call waits for a picture before it looks whether the pipeline has failed.
WAIT_S = 0.2
SECOND_NS = 1_000_000_000

__all__ = ["GiCapture"]


class GiCapture:
    """A playing pipeline, read as a ``cv2.VideoCapture`` is.

    ``grab`` waits for as long as the pipeline plays and nobody interrupts it; it raises ``OSError``
    with GStreamer's own words for one that fails, and is False at the end of the stream. ``fps``
    is what the pipeline calls its frame rate, None where it does not.
    """

    def __init__(self, pipeline: Any, sink: Any) -> None:
        self._pipeline, self._sink = pipeline, sink
        self._sample: Any = None
        self._interrupted = False
        self.fps: float | None = None

    @classmethod
    def open(cls, text: str) -> GiCapture:
        """Play a pipeline that has one ``appsink``; raises ``OSError``."""
        Gst.init(None)
        try:
            pipeline = Gst.parse_launch(text)
        except Exception as error:  # GLib.Error
            raise OSError(redact(str(error))) from None
        if not isinstance(pipeline, Gst.Bin):
            raise OSError("it is a single element")
        sinks = _list(pipeline.iterate_sinks())
        sinks = [sink for sink in sinks if sink.get_factory().get_name() == "appsink"]
        if len(sinks) != 1:
            raise OSError(f"it has {len(sinks)} appsinks at its ends instead of one")
        sinks[0].set_property("caps", Gst.Caps.from_string("video/x-raw,format=BGR"))
        sinks[0].set_property("sync", False)  # as it comes: pictures are timed by our clock
        capture = cls(pipeline, sinks[0])
        if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            try:
                capture.raise_fault()
                raise OSError("it cannot be played")
            finally:
                capture.release()
        return capture

    def grab(self) -> bool:
        """Wait for the next picture."""
        while not self._interrupted:
            self._sample = self._sink.emit("try-pull-sample", round(WAIT_S * SECOND_NS))
            if self._sample is not None:
                return True
            self.raise_fault()
            if self._sink.get_property("eos"):
                return False
        return False

    def interrupt(self) -> None:
        """End a :meth:`grab`, from another thread."""
        self._interrupted = True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The picture that was grabbed, copied."""
        structure = self._sample.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        known, parts, whole = structure.get_fraction("framerate")
        self.fps = parts / whole if known and parts else None  # 0/1 is a rate that varies
        held = self._sample.get_buffer()
        readable, mapped = held.map(Gst.MapFlags.READ)
        if not readable:
            return False, None
        try:
            stride = len(mapped.data) // height  # rows are filled up to four bytes
            rows = np.frombuffer(mapped.data, np.uint8, height * stride).reshape(height, stride)
            return True, rows[:, : width * 3].reshape(height, width, 3).copy()
        finally:
            held.unmap(mapped)

    def release(self) -> None:
        """Stop the pipeline."""
        self._sample = None
        self._pipeline.set_state(Gst.State.NULL)

    def raise_fault(self) -> None:
        """Raise ``OSError`` if the pipeline has told of an error."""
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message is not None:
            error, _details = message.parse_error()
            raise OSError(redact(error.message))


def _list(iterator: Any) -> list[Any]:
    """What a GStreamer iterator holds."""
    found: list[Any] = []
    while True:
        result, value = iterator.next()
        if result != Gst.IteratorResult.OK:
            return found
        found.append(value)
