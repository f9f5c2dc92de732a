"""Decoded PyAV frames as upright 8-bit BGR: depth, dynamic range and orientation."""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime.pictures.orientation import read_display_matrix, turn_upright
from runtime.pictures.tone import TRANSFERS, map_to_sdr
from runtime.pictures.values import ValueRange

__all__ = ["frame_to_bgr"]


def frame_to_bgr(frame: Any, values: ValueRange) -> np.ndarray | None:
    """A decoded frame as a player shows it.

    Args:
        frame: A PyAV ``VideoFrame`` of any pixel format.
        values: Brings deep samples to 8 bits, and notes what it met.

    Returns:
        uint8 (height, width, 3) BGR, or None for a frame without a size.
    """
    if not frame.width or not frame.height:
        return None
    return turn_upright(_pixels_bgr(frame, values), read_display_matrix(frame))


def _pixels_bgr(frame: Any, values: ValueRange) -> np.ndarray:
    transfer = TRANSFERS.get(int(frame.color_trc))
    if transfer is not None:
        values.note(f"HDR ({transfer}), mapped to SDR")
        return map_to_sdr(frame.to_ndarray(format="rgb48le"), transfer)[..., ::-1]
    kind = frame.format.name
    if "f32" in kind or "f16" in kind:
        rgb = frame.to_ndarray(format="gbrpf32le")
        return values.to_bytes(rgb, linear=True)[..., ::-1]
    if any(component.bits == 16 for component in frame.format.components):
        return values.to_bytes(frame.to_ndarray(format="rgb48le"))[..., ::-1]
    return frame.to_ndarray(format="bgr24")
