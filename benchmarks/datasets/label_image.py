"""Label images: one channel whose values are classes, greyscale or with a palette of colors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from runtime.errors import UserError

_ONE_CHANNEL = ("L", "P", "I;16", "I", "1")


def read_photograph(path: Path) -> np.ndarray:
    """A picture, BGR uint8 (h, w, 3).

    Raises:
        UserError: it is not there, or no picture.
    """
    frame_bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if frame_bgr is None:
        state = "cannot be read as a picture" if path.exists() else "is not there"
        raise UserError(f"{path} {state}; expected a photograph")
    return frame_bgr


def read_labels(path: Path, size_hw: tuple[int, int]) -> np.ndarray:
    """The classes of a photograph's pixels: integers (h, w), as they stand in the file.

    OpenCV would turn a palette's positions into colors, so Pillow reads them.

    Args:
        path: of the label image.
        size_hw: of its photograph.

    Raises:
        UserError: it is not there, is no image of one channel, or has another size.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            labels_hw = np.asarray(image)
    except FileNotFoundError:
        raise UserError(f"{path} is not there; expected the labels of a photograph") from None
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise UserError(f"{path} cannot be read as an image ({error})") from None
    if mode not in _ONE_CHANNEL:
        raise UserError(
            f"{path} has colors ({mode}); expected one channel of class numbers, greyscale or "
            "with a palette"
        )
    if labels_hw.shape != size_hw:
        raise UserError(
            f"{path} is {labels_hw.shape[1]}x{labels_hw.shape[0]}, its photograph "
            f"{size_hw[1]}x{size_hw[0]}; expected one size"
        )
    return labels_hw
