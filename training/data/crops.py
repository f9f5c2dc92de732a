"""A training image out of a picture of any size.

Pictures of some data sets were squashed to squares, and their true shape is lost. A model that is
trained on them as they are takes thin people for the rule. So each time such a picture is used, a
shape is drawn for it from those that cameras have, and it is stretched to that one: once in a few
times rightly, and never always wrongly in the same direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Width to height, and how often: what cameras and phones give, most of it held upright.
# A choice, not a measurement.
ASPECTS = ((4 / 3, 0.4), (3 / 2, 0.2), (3 / 4, 0.2), (2 / 3, 0.1), (1.0, 0.1))


@dataclass(frozen=True)
class Cropping:
    """How training images are cut out of pictures.

    Attributes:
        size_wh: wanted (width, height) in pixels.
        scale: smallest and largest share of the area that a crop covers.
        squashed: the pictures' true shapes are lost: one of :data:`ASPECTS` is drawn each time.
    """

    size_wh: tuple[int, int]
    scale: tuple[float, float] = (0.5, 1.0)
    squashed: bool = False

    def __call__(self, picture_hw3: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A training image, uint8 (height, width, 3), of a picture, uint8 (h, w, 3)."""
        aspect = draw_aspect(rng) if self.squashed else None
        return crop_and_resize(picture_hw3, self.size_wh, rng, self.scale, aspect)


def draw_aspect(rng: np.random.Generator) -> float:
    """Width to height of a photograph, one of :data:`ASPECTS`."""
    aspects, shares = zip(*ASPECTS, strict=True)
    return float(rng.choice(aspects, p=shares))


def crop_and_resize(
    image_hw3: np.ndarray,
    size_wh: tuple[int, int],
    rng: np.random.Generator,
    scale: tuple[float, float] = (0.5, 1.0),
    aspect: float | None = None,
) -> np.ndarray:
    """A random crop at the wanted aspect, mirrored half of the time.

    Captions that tell left from right are few, and mirrored with the others.

    Args:
        image_hw3: uint8 (h, w, 3).
        size_wh: wanted (width, height).
        rng: source of the crop.
        scale: smallest and largest area, as a share of the largest crop that fits.
        aspect: true width to height of what the picture shows, where it was squashed; None: its
            own. Crop and stretch are one interpolation.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = image_hw3.shape[:2]
    stretch = 1.0 if aspect is None else aspect * height / width
    wanted = size_wh[0] / size_wh[1] / stretch
    full_w = min(width, height * wanted)
    share = np.sqrt(rng.uniform(*scale))
    crop_w = max(1, int(full_w * share))
    crop_h = max(1, min(height, int(crop_w / wanted)))
    x = int(rng.integers(0, width - crop_w + 1))
    y = int(rng.integers(0, height - crop_h + 1))
    crop = image_hw3[y : y + crop_h, x : x + crop_w]
    shrinks = crop_w > size_wh[0]
    resized = cv2.resize(
        crop, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.ascontiguousarray(resized[:, ::-1]) if rng.random() < 0.5 else resized
