"""The camera and the few outlines that everything is made of, in image coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass
class Camera:
    """A pinhole camera on level ground.

    Attributes:
        focal: focal length in image heights.
        height: metres above the ground.
        horizon: y of the horizon in image heights from the upper edge.
        travel: metres driven; moves the ground's texture.
        centre: x of the vanishing point of what runs straight ahead, in image heights from the
            middle.
    """

    focal: float = 1.2
    height: float = 1.5
    horizon: float = 0.45
    travel: float = 0.0
    centre: float = 0.0

    def depth_at(self, y: float) -> float:
        """Distance in metres of the ground seen at height ``y`` of the image."""
        return self.focal * self.height / max(y - self.horizon, 1e-3)

    def ground_y(self, depth: float) -> float:
        """Where ground at ``depth`` metres lies in the image."""
        return self.horizon + self.focal * self.height / depth

    def project(self, xyz: Points) -> Points:
        """World metres (n, 3: right, up, away) to image coordinates (n, 2)."""
        scale = self.focal / np.maximum(xyz[..., 2], 0.35)
        out = np.empty((*xyz.shape[:-1], 2))
        out[..., 0] = xyz[..., 0] * scale + self.centre
        out[..., 1] = (self.height - xyz[..., 1]) * scale + self.horizon
        return out


def box(left: float, upper: float, right: float, lower: float) -> Points:
    """An upright rectangle as a polygon (4, 2)."""
    return np.array([(left, upper), (right, upper), (right, lower), (left, lower)])


_TURNS = {n: np.arange(n) * (2 * math.pi / n) for n in range(3, 33)}


_CIRCLES = {n: np.stack([np.cos(t), np.sin(t)], 1) for n, t in _TURNS.items()}


def disc(x: float, y: float, rx: float, ry: float, corners: int = 12) -> Points:
    """An ellipse around (x, y) as a polygon (corners, 2)."""
    return _CIRCLES[corners] * (rx, ry) + (x, y)


def limb(
    x0: float, y0: float, x1: float, y1: float, w0: float, w1: float
) -> list[tuple[float, float]]:
    """A tapering stroke from (x0, y0), ``w0`` wide, to (x1, y1), ``w1`` wide, as four corners."""
    dx, dy = x1 - x0, y1 - y0
    length = math.sqrt(dx * dx + dy * dy) or 1e-6
    nx, ny = -dy / length / 2, dx / length / 2
    return [
        (x0 + nx * w0, y0 + ny * w0),
        (x1 + nx * w1, y1 + ny * w1),
        (x1 - nx * w1, y1 - ny * w1),
        (x0 - nx * w0, y0 - ny * w0),
    ]
