"""A training image out of a picture of any size."""

from __future__ import annotations

import cv2
import numpy as np


def crop_and_resize(
    image_hw3: np.ndarray, size_wh: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """A random crop of 50 to 100 % of the area at the wanted aspect, mirrored half of the time.

    Args:
        image_hw3: uint8 (h, w, 3).
        size_wh: wanted (width, height).
        rng: source of the crop.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = image_hw3.shape[:2]
    aspect = size_wh[0] / size_wh[1]
    full_w = min(width, height * aspect)
    scale = np.sqrt(rng.uniform(0.5, 1.0))
    crop_w = max(1, int(full_w * scale))
    crop_h = max(1, min(height, int(crop_w / aspect)))
    x = int(rng.integers(0, width - crop_w + 1))
    y = int(rng.integers(0, height - crop_h + 1))
    crop = image_hw3[y : y + crop_h, x : x + crop_w]
    shrinks = crop_w > size_wh[0]
    resized = cv2.resize(
        crop, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.ascontiguousarray(resized[:, ::-1]) if rng.random() < 0.5 else resized
