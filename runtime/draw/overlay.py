"""Labels drawn over a frame: a color for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.draw.palette import palette

if TYPE_CHECKING:
    import numpy as np

__all__ = ["draw_labels"]


def draw_labels(
    frame_bgr: np.ndarray,
    labels: np.ndarray,
    opacity: float = 0.55,
    colors_bgr: np.ndarray | None = None,
) -> np.ndarray:
    """A new frame, BGR uint8 (H, W, 3): the classes' colors laid over; label 255 stays as it was.

    ``labels`` uint8 (H, W) at the frame's size; ``opacity`` in [0, 1]; ``colors_bgr`` uint8
    (255, 3), by default the palette.
    """
    import cv2
    import numpy as np

    table = np.zeros((256, 1, 3), dtype=np.uint8)
    table[:255, 0] = palette(255) if colors_bgr is None else colors_bgr
    colors = cv2.applyColorMap(np.ascontiguousarray(labels), table)
    blended = cv2.addWeighted(frame_bgr, 1.0 - opacity, colors, opacity, 0.0)
    # Not cv2.compare: OpenCV 5 takes a label map of one pixel for a number, and raises.
    cv2.copyTo(frame_bgr, np.equal(labels, 255).view(np.uint8), blended)
    return blended
