"""A rectangle that stands on the ground: the plane on which a facade is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.drawing import BOTH, IMAGE, DisplayList
from training.data.streetworld.geometry import Points
from training.data.streetworld.palette import Color

_CORNERS = np.array([0, 1, 2, 1, 2, 3, 0, 3])


Spans = Sequence[tuple[float, float, float, float]] | NDArray[np.float64]


class Wall:
    """An upright rectangle over the ground line from ``start`` to ``end``: u along it, v metres up.

    Shapes are queued in painting order and projected all at once by ``flush``.
    """

    def __init__(
        self, scene: DisplayList, start: tuple[float, float], end: tuple[float, float], thing: int
    ) -> None:
        """``start`` and ``end`` are (x, depth) metres."""
        self.scene, self.thing = scene, thing
        self.start, self.end = start, end
        self.length = math.dist(start, end)
        self.queue: list[tuple[Points, Color, int, int, int]] = []

    def quads(self, spans: Spans, color: Color, *, texture: int = 0, flags: int = IMAGE) -> None:
        """Rectangles (u0, v0, u1, v1) that do not overlap."""
        rows = np.asarray(spans, dtype=np.float64)
        if len(rows):
            self.queue.append((rows[:, _CORNERS].reshape(-1, 2), color, texture, flags, 4))

    def polygon(self, uv: list[tuple[float, float]], color: Color, *, texture: int = 0) -> None:
        """One polygon that belongs to the outline."""
        self.queue.append((np.array(uv), color, texture, BOTH, len(uv)))

    def flush(self) -> None:
        """Hands all queued shapes to the display list."""
        camera = self.scene.camera
        uv = np.concatenate([item[0] for item in self.queue])
        (x0, z0), (x1, z1) = self.start, self.end
        u = uv[:, 0]
        scale = camera.focal / np.maximum(u * (z1 - z0) + z0, 0.35)
        placed = np.empty(uv.shape)
        placed[:, 0] = (u * (x1 - x0) + x0) * scale + camera.centre
        placed[:, 1] = (camera.height - uv[:, 1]) * scale + camera.horizon
        first = 0
        for points, color, texture, flags, corners in self.queue:
            mine = placed[first : first + len(points)]
            first += len(points)
            self.scene.polygons(mine, corners, color, self.thing, texture=texture, flags=flags)
        self.queue.clear()
