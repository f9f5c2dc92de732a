"""The pictures of a shard, decoded."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def read_picture(content: bytes) -> np.ndarray | None:
    """A picture as uint8 (h, w, 3) RGB; None: it cannot be read."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:  # a decoder fails in any way on a broken file
        return None
