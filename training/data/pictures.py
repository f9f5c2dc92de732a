"""The pictures that are trained on, decoded by the runtime's own reader: a model is trained on what
it will be shown.

Depth, orientation, transparency, color tables and HDR are the reader's business
(:mod:`runtime.pictures`). Only what is cut off is treated otherwise: a run shows what there is of
it, training leaves it out.
"""

from __future__ import annotations

import io
import warnings
from functools import cache

import cv2
import numpy as np
from PIL import Image

from runtime.pictures import decode_picture

# Markers of JPEG that no length follows: restarts and what stands alone (ITU-T T.81, table B.1).
_ALONE = (0x01, *range(0xD0, 0xD9))
_START_OF_SCAN = 0xDA


def read_picture(content: bytes, ending: str = "") -> np.ndarray | None:
    """A picture as uint8 (h, w, 3) RGB, upright; None: it cannot be read, is cut off or oversized.

    Args:
        content: of its file.
        ending: of the file's name, with its dot; tells only formats without a mark.
    """
    if _is_oversized(content) or is_cut_off(content):
        return None
    _keep_opencv_quiet()
    try:
        picture = decode_picture(content, ending)
    except Exception:  # a decoder fails in any way on a broken file
        return None
    return None if picture is None else np.ascontiguousarray(picture.image_bgr[..., ::-1])


@cache
def _keep_opencv_quiet() -> None:
    """Broken pictures are counted; OpenCV would say two lines more for each."""
    if hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)
    else:  # OpenCV 5
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def is_cut_off(content: bytes) -> bool:
    """Whether a JPEG lacks its end: decoders give a picture all the same, grey from there on."""
    if not content.startswith(b"\xff\xd8"):
        return False
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:  # thumbnails have an end of their own
        marker = content[at + 1]
        if marker == _START_OF_SCAN:
            return content.find(b"\xff\xd9", at) < 0
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return True


def _is_oversized(content: bytes) -> bool:
    """Whether a header promises more than 179 million pixels, as Pillow judges (13.0)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in a file that may be read yet
            with Image.open(io.BytesIO(content)):
                return False
    except Image.DecompressionBombError:
        return True
    except Exception:  # no format of Pillow's, or broken: the reader will tell
        return False
