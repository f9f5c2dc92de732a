"""Signs of many shapes, and traffic lights, on their poles."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import GLOW, IMAGE, DisplayList
from training.data.streetworld.geometry import Points, box, disc, limb
from training.data.streetworld.objects.pole import METALS
from training.data.streetworld.palette import Color, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def _plate(rng: Rng, shape: str, x: float, y: float, size: float) -> Points:
    if shape == "round":
        return disc(x, y, size, size, 16)
    if shape == "triangle":
        s = rng.pick((1.0, 1.0, -1.0))
        return np.array(
            [
                (x, y - s * size * 1.1),
                (x + size * 1.1, y + s * size * 0.8),
                (x - size * 1.1, y + s * size * 0.8),
            ]
        )
    if shape == "octagon":
        return disc(x, y, size, size, 8) @ np.array([(0.924, 0.383), (-0.383, 0.924)]) + np.array(
            [x - 0.924 * x + 0.383 * y, y - 0.383 * x - 0.924 * y]
        )
    if shape == "diamond":
        return disc(x, y, size * 1.15, size * 1.15, 4)
    wide = {"square": 0.9, "wide": 1.6, "tall": 0.7}[shape]
    return box(x - size * wide, y - size * 0.9, x + size * wide, y + size * 0.9)


def draw_sign(
    scene: DisplayList,
    rng: Rng,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    color: str | None = None,
    size: float | None = None,
    post: bool = True,
) -> int:
    """A traffic or shop sign whose post (a "pole") stands at (x, y)."""
    size = size or tall * rng.uniform(0.13, 0.24)
    if post:
        pole = scene.thing("pole", None, ground)
        metal = rng.pick(METALS)
        width = max(tall * 0.035, 0.008)
        scene.fill(limb(x, y, x, y - tall + size, width, width), metal, pole)
    draw_plate(scene, rng, x, y - tall + size, size, color=color)
    return len(scene.things) - 1


def draw_plate(
    scene: DisplayList, rng: Rng, x: float, y: float, size: float, *, color: str | None = None
) -> int:
    """A sign's plate alone, centred on (x, y), ``size`` its half height."""
    name = color or pick_color(rng, "sign")
    thing = scene.thing("sign", name)
    paint = paint_of(rng, name)
    shape = rng.weighted(
        {
            "round": 3,
            "triangle": 2,
            "octagon": 1.5,
            "diamond": 1,
            "square": 1.5,
            "wide": 2,
            "tall": 0.8,
        }
    )
    plate = _plate(rng, shape, x, y, size)
    middle = plate.mean(0)
    pale: Color = (
        (240, 240, 236)
        if name != "white"
        else rng.pick(((190, 30, 36), (24, 24, 28), (30, 60, 150)))
    )
    rimmed = rng.chance(0.6)
    scene.fill(plate, pale if rimmed and rng.chance(0.4) else paint, thing)
    if rimmed:
        scene.fill((plate - middle) * 0.84 + middle, paint, thing, flags=IMAGE)
    ink = pale if name not in ("yellow",) else (24, 24, 26)
    if shape in ("wide", "square", "tall") or rng.chance(0.3):
        _letter(scene, rng, thing, shape, (x, middle[1]), size, ink)
    else:
        _mark(scene, rng, thing, (x, middle[1]), size, ink)
    return thing


def _letter(
    scene: DisplayList, rng: Rng, thing: int, shape: str, at: tuple[float, float], size: float,
    ink: Color,
) -> None:  # fmt: skip
    """Lines of what may be writing."""
    x, y = at
    wide = {"wide": 1.3, "tall": 0.5}.get(shape, 0.6)
    rows = []
    for n in range(rng.integer(1, 3)):
        row_y = y + size * (-0.5 + 0.45 * n)
        rows.append(
            box(x - size * wide, row_y, x + size * wide * rng.uniform(0.2, 1.0), row_y + size * 0.2)
        )
    scene.fills(np.array(rows), ink, thing)


def _mark(
    scene: DisplayList, rng: Rng, thing: int, at: tuple[float, float], size: float, ink: Color
) -> None:
    """A bar, a disc or an arrow."""
    x, y = at
    mark = rng.pick(("bar", "disc", "arrow"))
    if mark == "bar":
        scene.fill(
            box(x - size * 0.6, y - size * 0.15, x + size * 0.6, y + size * 0.15),
            ink,
            thing,
            flags=IMAGE,
        )
    elif mark == "disc":
        scene.fill(disc(x, y, size * 0.6, size * 0.6), ink, thing, flags=IMAGE)
    else:
        scene.fill(
            [
                (x - size * 0.12, y + size * 0.5),
                (x - size * 0.12, y - size * 0.05),
                (x - size * 0.4, y - size * 0.05),
                (x, y - size * 0.55),
                (x + size * 0.4, y - size * 0.05),
                (x + size * 0.12, y - size * 0.05),
                (x + size * 0.12, y + size * 0.5),
            ],
            ink,
            thing,
            flags=IMAGE,
        )


def draw_signal(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, *, ground: str | None = None
) -> int:
    """A traffic light: its head counts as a sign, its post as a pole."""
    pole = scene.thing("pole", None, ground)
    width = max(tall * 0.035, 0.008)
    scene.fill(limb(x, y, x, y - tall, width, width), rng.pick(METALS), pole)
    thing = scene.thing("sign", None)
    size = tall * rng.uniform(0.1, 0.15)
    top = y - tall
    scene.fill(
        box(x - size * 0.5, top - size * 0.6, x + size * 0.5, top + size * 2.0), (24, 26, 28), thing
    )
    lit = rng.integer(0, 2)
    for n, lamp in enumerate(((235, 40, 30), (245, 180, 40), (50, 230, 110))):
        paint = lamp if n == lit else shade(lamp, 0.25)
        scene.fill(
            disc(x, top - size * 0.1 + n * size * 0.8, size * 0.3, size * 0.3, 10),
            paint,
            thing,
            flags=IMAGE,
            texture=GLOW if n == lit else 0,
        )
    return thing
