"""PNG files that stay small enough for a repository."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from runtime.errors import UserError

LIMIT_BYTES = 300_000


def write_png(path: Path, image_bgr: np.ndarray, limit_bytes: int | None = LIMIT_BYTES) -> int:
    """Write BGR uint8 (h, w, 3) under ``limit_bytes`` (None: as it is); gives the bytes written.

    Sensor noise is what fills a PNG: where the picture is too large, its colors are rounded to
    ever fewer levels, 128 to 8 a channel, which flat areas and letters survive.
    """
    data = b""
    for dropped_bits in range(6):
        data = _encode(coarsen(image_bgr, dropped_bits))
        if limit_bytes is None or len(data) <= limit_bytes:
            break
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); give another folder with --out"
        ) from None
    return len(data)


def coarsen(image: np.ndarray, dropped_bits: int) -> np.ndarray:
    """Round uint8 values to 2^(8 - bits) even levels that still reach from 0 to 255."""
    if not dropped_bits:
        return image
    top = (1 << (8 - dropped_bits)) - 1
    levels = np.round(np.arange(256) / 255 * top)
    return np.round(levels / top * 255).astype(np.uint8)[image]


def _encode(image_bgr: np.ndarray) -> bytes:
    # The highest levels take ten times as long on noise and save a hundredth.
    done, data = cv2.imencode(".png", image_bgr, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    assert done
    return bytes(data)
