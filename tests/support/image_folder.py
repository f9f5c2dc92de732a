"""A folder of small images with shapes and noise, for whatever wants real image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_images(folder: Path, count: int = 4) -> None:
    """Write ``0.png``, ``1.png``... of 160 x 120 pixels, the same ones each time."""
    generator = np.random.default_rng(0)
    for index in range(count):
        image = np.full((120, 160, 3), generator.integers(0, 255, 3), np.uint8)
        for _ in range(6):
            corner, far = generator.integers(0, 120, 2), generator.integers(0, 160, 2)
            color = tuple(int(value) for value in generator.integers(0, 255, 3))
            cv2.rectangle(
                image, (int(far[0]), int(corner[0])), (int(far[1]), int(corner[1])), color, -1
            )
        noise = generator.integers(-20, 20, image.shape)
        image = np.clip(image.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), image)
