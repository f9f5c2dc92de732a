"""Ground: road, pavement, grass, sand and water, in any shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.data.streetworld.drawing import IMAGE, DisplayList, Texture
from training.data.streetworld.geometry import Points
from training.data.streetworld.palette import Color, shade
from training.data.streetworld.rng import Rng

GROUNDS: tuple[str, ...] = ("road", "pavement", "grass", "sand", "water")

_PAINTS: dict[str, tuple[Color, ...]] = {
    "road": (
        (92, 92, 96),
        (70, 72, 78),
        (116, 114, 112),
        (56, 58, 66),
        (134, 130, 124),
        (104, 94, 86),
        (82, 78, 80),
    ),
    "pavement": (
        (158, 154, 148),
        (176, 168, 156),
        (132, 130, 130),
        (188, 180, 172),
        (150, 118, 104),
        (112, 110, 110),
        (196, 178, 150),
        (96, 92, 96),
    ),
    "grass": (
        (84, 128, 52),
        (66, 108, 44),
        (110, 142, 60),
        (150, 150, 78),
        (172, 160, 96),
        (96, 110, 60),
        (52, 90, 48),
    ),
    "sand": (
        (218, 196, 148),
        (232, 214, 176),
        (196, 168, 122),
        (206, 186, 160),
        (184, 150, 112),
        (170, 160, 146),
    ),
    "water": (
        (52, 104, 150),
        (60, 130, 150),
        (84, 120, 130),
        (40, 70, 96),
        (110, 140, 160),
        (70, 110, 96),
        (150, 170, 184),
        (36, 52, 66),
    ),
}
_TILES = {  # (tile, texels per metre, stretch away from the camera)
    "road": (("asphalt", 40.0, 1.0), ("asphalt", 70.0, 1.0), ("gravel", 30.0, 1.0)),
    "pavement": (
        ("slabs", 42.0, 1.0),
        ("slabs", 64.0, 0.7),
        ("asphalt", 50.0, 1.0),
        ("brick", 60.0, 1.0),
    ),
    "grass": (("grass", 45.0, 0.6), ("grass", 70.0, 0.5), ("gravel", 40.0, 0.7)),
    "sand": (("sand", 30.0, 1.0), ("sand", 50.0, 1.5), ("asphalt", 50.0, 1.0)),
    "water": (("water", 22.0, 0.8), ("waves", 26.0, 0.8), ("water", 36.0, 1.2)),
}


class Ground:
    """One surface: its noun, paint and texture, chosen once and used for all of its pieces."""

    def __init__(self, scene: DisplayList, rng: Rng, noun: str, *, dim: float = 1.0) -> None:
        """Registers a surface called ``noun``."""
        self.scene, self.noun = scene, noun
        self.thing = scene.thing(noun, None)
        base = shade(rng.pick(_PAINTS[noun]), rng.uniform(0.8, 1.15) * dim)
        self.paint: Color = (
            base[0] + rng.uniform(-10, 10),
            base[1] + rng.uniform(-8, 8),
            base[2] + rng.uniform(-10, 10),
        )
        tile, texels, stretch = rng.pick(_TILES[noun])
        strength = rng.uniform(0.3, 0.9) if noun == "road" else rng.uniform(0.5, 1.4)
        offset = (rng.random(), rng.random())
        self.texture = scene.texture(Texture(tile, texels, strength, True, offset, stretch))

    def fill(self, points: Points | Sequence[tuple[float, float]]) -> None:
        """A piece of it, as a polygon of the image."""
        self.scene.haze = 0.0
        self.scene.fill(points, self.paint, self.thing, texture=self.texture)

    def marks(self, polygons: Points, color: Color) -> None:
        """Paint on it: lane marks, crossings."""
        self.scene.haze = 0.0
        self.scene.fills(polygons, color, self.thing, texture=self.texture, flags=IMAGE)


def strip(
    scene: DisplayList, left: float, right: float, near: float, far: float, bend: float = 0.0
) -> Points:
    """The image polygon of a strip of ground that runs away from the camera (metres)."""
    steps = 6 if bend else 1
    depths = [near * (far / near) ** (n / steps) for n in range(steps + 1)]
    xyz = [(left + bend * z * z, 0.0, z) for z in depths]
    xyz += [(right + bend * z * z, 0.0, z) for z in reversed(depths)]
    return scene.camera.project(np.array(xyz))
