"""The range of a picture's samples: integers of 8 to 32 bits and floats, brought to 8 bits."""

from __future__ import annotations

import numpy as np

__all__ = ["ValueRange", "encode_srgb"]

#: Depths that sensors and files have; what lies between is stored in the next larger one.
DEPTHS = (8, 10, 12, 14, 16, 24, 32)
#: Of the samples, the share that may lie beyond the white of a float picture.
FLOAT_OUTLIERS = 1e-3
#: White of float pictures: 1 (with what a filter overshoots), 8-bit and 16-bit numbers as floats.
FLOAT_WHITES = ((1.5, 1.0), (300.0, 255.0), (70_000.0, 65_535.0))


class ValueRange:
    """Brings samples of any depth to 8 bits, and notes what it met.

    Cameras store 10, 12 or 14 bits in integers of 16; no common file format says so. The largest
    sample tells: the depth is the smallest of 8, 10, 12, 14 and 16 bits that holds it. Samples
    that are all multiples of 257 are bytes widened to 16 bits, however dark.

    Args:
        steady: Of a series from one sensor, keep the largest depth met so far, so that a dark
            picture is not brightened.

    Attributes:
        met: For each kind of range, such as ``"12 bits in 16"``, how many pictures had it.
    """

    def __init__(self, steady: bool = False) -> None:
        self.steady = steady
        self.met: dict[str, int] = {}
        self._bits = 0

    def to_bytes(self, image: np.ndarray, *, linear: bool = False) -> np.ndarray:
        """A picture as uint8 of the same shape.

        Args:
            image: Integers or floats. Negative samples and NaN count as 0.
            linear: Whether floats are in proportion to light (Radiance, OpenEXR) rather than
                encoded for a screen.

        Raises:
            ValueError: Samples that are no numbers, or floats in no known range.
        """
        if image.dtype == np.uint8:
            return image
        if image.dtype.kind == "f":
            return self._from_floats(image, linear)
        if image.dtype.kind in "iu":
            return self._from_integers(image)
        raise ValueError(f"samples of type {image.dtype} are no picture")

    def note(self, kind: str) -> None:
        """Count a picture of this kind."""
        self.met[kind] = self.met.get(kind, 0) + 1

    def _from_integers(self, image: np.ndarray) -> np.ndarray:
        import cv2

        stored = 8 * image.dtype.itemsize
        bits = depth_of(image)
        if self.steady:
            bits = self._bits = max(bits, self._bits)
        self.note(f"{bits} bits in {stored}" if bits < stored else f"{stored} bits")
        scale = 255.0 / (2**bits - 1)
        if image.dtype == np.uint16:
            return cv2.convertScaleAbs(image, alpha=scale)
        scaled = np.clip(image.astype(np.float64), 0, None) * scale
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)

    def _from_floats(self, image: np.ndarray, linear: bool) -> np.ndarray:
        samples = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        samples = np.clip(samples, 0.0, None)
        bright = float(np.quantile(samples, 1 - FLOAT_OUTLIERS)) if samples.size else 0.0
        if linear:
            self.note("float, linear light")
            return _round(encode_srgb(samples / max(1.0, bright)))
        for most, white in FLOAT_WHITES:
            if bright <= most:
                self.note(f"float, white {white:g}")
                return _round(samples / white)
        raise ValueError(f"float samples up to {bright:g} are in no known range")


def depth_of(image: np.ndarray) -> int:
    """The bits that an integer picture really uses, one of 8, 10, 12, 14, 16, 24, 32.

    >>> depth_of(np.array([0, 4095], np.uint16)), depth_of(np.array([0, 257], np.uint16))
    (12, 16)
    """
    top = int(image.max(initial=0))
    if image.dtype == np.uint16 and top and not (image % 257).any():
        return 16
    return next(depth for depth in DEPTHS if top < 2**depth)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Light in [0, 1] as sRGB encodes it (IEC 61966-2-1), float32 of the same shape."""
    light = np.clip(linear, 0.0, 1.0).astype(np.float32)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _round(unit: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(unit, 0.0, 1.0) * 255.0).astype(np.uint8)
