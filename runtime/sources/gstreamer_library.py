"""What GStreamer itself says of a pipeline's text, asked through its C library."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any

__all__ = ["find_fault"]

LIBRARY = "libgstreamer-1.0.so.0"


class _Error(ctypes.Structure):
    """GLib's GError."""

    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", ctypes.c_char_p)]


def find_fault(pipeline: str) -> str | None:
    """What GStreamer refuses about a pipeline's text; None where it takes it.

    The text is parsed, its elements are made and let go; nothing is opened. None as well where the
    library is not found: then whoever plays the pipeline has to tell.
    """
    library = _load()
    if library is None:
        return None
    library.gst_init(None, None)
    error = ctypes.POINTER(_Error)()
    library.gst_parse_launch.restype = ctypes.c_void_p
    made = library.gst_parse_launch(pipeline.encode(), ctypes.byref(error))
    if made:
        library.gst_object_unref(ctypes.c_void_p(made))
    if not error:
        return None
    message = error.contents.message or b"it gives no reason"
    return message.decode(errors="replace")


def _load() -> Any:
    for name in (LIBRARY, ctypes.util.find_library("gstreamer-1.0")):
        try:
            return ctypes.CDLL(name) if name else None
        except OSError:
            continue
    return None
