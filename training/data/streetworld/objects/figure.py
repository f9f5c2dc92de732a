"""A sprite in coordinates of its own, and what persons on foot and on wheels share."""

from __future__ import annotations

from training.data.streetworld.drawing import BOTH, IMAGE, DisplayList
from training.data.streetworld.geometry import Points, disc, limb
from training.data.streetworld.palette import Color
from training.data.streetworld.rng import Rng

SKINS: tuple[Color, ...] = (
    (240, 200, 172),
    (224, 176, 140),
    (176, 124, 88),
    (120, 80, 56),
    (84, 56, 42),
)


HAIRS: tuple[Color, ...] = (
    (34, 26, 22),
    (74, 50, 34),
    (140, 104, 60),
    (205, 178, 120),
    (160, 160, 162),
    (120, 52, 30),
)


LEGWEAR: tuple[Color, ...] = (
    (36, 42, 70),
    (26, 26, 30),
    (88, 92, 100),
    (120, 104, 80),
    (60, 76, 112),
    (150, 140, 122),
    (70, 40, 40),
)


class Figure:
    """A sprite's own coordinates: x to the side and y up, in units of the figure's own height."""

    def __init__(
        self, scene: DisplayList, thing: int, x: float, y: float, tall: float, mirror: float
    ) -> None:
        """Feet at (x, y) of the image, ``tall`` image heights, facing right when mirror is 1."""
        self.scene, self.thing = scene, thing
        self.x, self.y, self.tall, self.mirror = x, y, tall, mirror

    def at(self, points: Points) -> Points:
        """Figure coordinates to image coordinates."""
        return points * (self.tall * self.mirror, -self.tall) + (self.x, self.y)

    def limb(
        self, x0: float, y0: float, x1: float, y1: float, w0: float, w1: float, color: Color,
        flags: int = BOTH, texture: int = 0,
    ) -> None:  # fmt: skip
        """A tapering stroke."""
        self.polygon(limb(x0, y0, x1, y1, w0, w1), color, flags, texture)

    def disc(
        self, x: float, y: float, rx: float, ry: float, color: Color, flags: int = BOTH
    ) -> None:
        """An ellipse."""
        self.scene.fill(self.at(disc(x, y, rx, ry)), color, self.thing, flags=flags)

    def polygon(
        self, points: list[tuple[float, float]], color: Color, flags: int = BOTH, texture: int = 0
    ) -> None:
        """A filled polygon."""
        wide, tall, left, foot = self.tall * self.mirror, -self.tall, self.x, self.y
        placed = [(x * wide + left, y * tall + foot) for x, y in points]
        self.scene.fill(placed, color, self.thing, flags=flags, texture=texture)


def draw_head(
    figure: Figure, rng: Rng, x: float, y: float, size: float, skin: Color, facing: str
) -> None:
    """A head with hair; ``facing`` is front, back or side, ``size`` half its height."""
    hair = rng.pick(HAIRS)
    figure.disc(x, y, size * 0.8, size, skin if facing != "back" else hair)
    if facing == "front":
        cap = [
            (x - size * 0.85, y + size * 0.15),
            (x - size * 0.7, y + size * 0.9),
            (x, y + size * 1.12),
            (x + size * 0.7, y + size * 0.9),
            (x + size * 0.85, y + size * 0.15),
            (x, y + size * 0.55),
        ]
        figure.polygon(cap, hair)
    elif facing == "side":
        cap = [
            (x - size * 0.9, y - size * 0.5),
            (x - size * 0.9, y + size * 0.6),
            (x - size * 0.2, y + size * 1.1),
            (x + size * 0.75, y + size * 0.75),
            (x + size * 0.6, y + size * 0.35),
            (x - size * 0.1, y + size * 0.2),
        ]
        figure.polygon(cap, hair)
    if figure.tall > 0.45 and facing == "front":
        for dx in (-0.32, 0.32):
            figure.disc(x + dx * size, y + 0.1 * size, size * 0.1, size * 0.1, (30, 26, 26), IMAGE)
        figure.limb(
            x - 0.25 * size,
            y - 0.42 * size,
            x + 0.25 * size,
            y - 0.42 * size,
            0.1 * size,
            0.1 * size,
            (150, 70, 64),
            IMAGE,
        )
