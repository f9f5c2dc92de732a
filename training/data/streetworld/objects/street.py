"""Street furniture: poles, lamps, signs, signals and fences."""

from __future__ import annotations

import math

import numpy as np

from ..drawing import BOTH, GLOW, IMAGE, OUTLINE, DisplayList, Points, box, disc, limb
from ..palette import Colour, mix, paint_of, pick_colour, shade
from ..randomness import Dice

_METALS: tuple[Colour, ...] = ((120, 122, 126), (70, 74, 78), (36, 40, 44), (160, 162, 164), (60, 70, 60), (190, 188, 180))


def draw_pole(
    scene: DisplayList,
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    lit: bool = False,
    kind: str | None = None,
    thick: float | None = None,
) -> int:
    """A post, lamp post, telegraph pole or bollard, `tall` frame heights."""
    kind = kind or dice.weighted({"lamp": 3, "double": 0.8, "post": 2, "wires": 1.3, "ball": 1})
    thing = scene.thing("pole", None, ground)
    wood = kind == "wires"
    metal: Colour = (104, 80, 60) if wood else dice.pick(_METALS)
    width = thick or max(tall * dice.uniform(0.022, 0.04), 0.009)
    scene.fill(limb(x, y, x, y - tall, width, width * 0.75), metal, thing)
    scene.fill(limb(x + width * 0.2, y, x + width * 0.15, y - tall, width * 0.35, width * 0.3), shade(metal, 0.6), thing,
               flags=IMAGE)  # fmt: skip
    scene.fill(box(x - width * 0.8, y - tall * 0.1, x + width * 0.8, y), shade(metal, 0.85), thing)
    top = y - tall
    glow = GLOW if lit else 0
    lamp: Colour = (255, 236, 180) if lit else (226, 228, 226)
    if kind in ("lamp", "double"):
        for s in (-1.0, 1.0) if kind == "double" else (dice.sign(),):
            reach = s * tall * dice.uniform(0.12, 0.25)
            scene.fill(limb(x, top + width / 2, x + reach, top - tall * 0.02, width * 0.7, width * 0.5), metal, thing)
            scene.fill(box(x + reach - tall * 0.045, top - tall * 0.03, x + reach + tall * 0.045, top + tall * 0.0), metal, thing)
            scene.fill(box(x + reach - tall * 0.035, top - tall * 0.002, x + reach + tall * 0.035, top + tall * 0.016), lamp,
                       thing, texture=glow)  # fmt: skip
    elif kind == "ball":
        scene.fill(disc(x, top - tall * 0.03, tall * 0.05, tall * 0.055), lamp, thing, texture=glow)
    elif kind == "wires":
        for drop in (0.04, 0.11):
            scene.fill(limb(x - tall * 0.12, top + tall * drop, x + tall * 0.12, top + tall * drop, width * 0.6, width * 0.6),
                       metal, thing)  # fmt: skip
        wires = [
            np.array([(x + s * tall * 0.1, top + tall * 0.04), (x + s * 1.2, top - tall * dice.uniform(-0.1, 0.1))])
            for s in (-1, 1)
        ]
        scene.lines(wires, 0.002, (50, 50, 54))
    return thing


def _plate(dice: Dice, shape: str, x: float, y: float, size: float) -> Points:
    if shape == "round":
        return disc(x, y, size, size, 16)
    if shape == "triangle":
        s = dice.pick((1.0, 1.0, -1.0))
        return np.array([(x, y - s * size * 1.1), (x + size * 1.1, y + s * size * 0.8), (x - size * 1.1, y + s * size * 0.8)])
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
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    size: float | None = None,
    post: bool = True,
) -> int:
    """A traffic or shop sign whose post (a "pole") stands at (x, y)."""
    size = size or tall * dice.uniform(0.13, 0.24)
    if post:
        pole = scene.thing("pole", None, ground)
        metal = dice.pick(_METALS)
        width = max(tall * 0.035, 0.008)
        scene.fill(limb(x, y, x, y - tall + size, width, width), metal, pole)
    draw_plate(scene, dice, x, y - tall + size, size, colour=colour)
    return len(scene.things) - 1


def draw_plate(
    scene: DisplayList, dice: Dice, x: float, y: float, size: float, *, colour: str | None = None
) -> int:
    """A sign's plate alone, centred on (x, y), `size` its half height."""
    name = colour or pick_colour(dice, "sign")
    thing = scene.thing("sign", name)
    paint = paint_of(dice, name)
    shape = dice.weighted({"round": 3, "triangle": 2, "octagon": 1.5, "diamond": 1, "square": 1.5, "wide": 2, "tall": 0.8})
    plate = _plate(dice, shape, x, y, size)
    middle = plate.mean(0)
    pale: Colour = (240, 240, 236) if name != "white" else dice.pick(((190, 30, 36), (24, 24, 28), (30, 60, 150)))
    rimmed = dice.chance(0.6)
    scene.fill(plate, pale if rimmed and dice.chance(0.4) else paint, thing)
    if rimmed:
        scene.fill((plate - middle) * 0.84 + middle, paint, thing, flags=IMAGE)
    ink = pale if name not in ("yellow",) else (24, 24, 26)
    if shape in ("wide", "square", "tall") or dice.chance(0.3):
        wide = {"wide": 1.3, "tall": 0.5}.get(shape, 0.6)
        rows = []
        for n in range(dice.integer(1, 3)):
            row_y = middle[1] + size * (-0.5 + 0.45 * n)
            rows.append(box(x - size * wide, row_y, x + size * wide * dice.uniform(0.2, 1.0), row_y + size * 0.2))
        scene.fills(np.array(rows), ink, thing)
    else:
        mark = dice.pick(("bar", "disc", "arrow"))
        if mark == "bar":
            scene.fill(box(x - size * 0.6, middle[1] - size * 0.15, x + size * 0.6, middle[1] + size * 0.15), ink, thing, flags=IMAGE)
        elif mark == "disc":
            scene.fill(disc(x, middle[1], size * 0.6, size * 0.6), ink, thing, flags=IMAGE)
        else:
            scene.fill([(x - size * 0.12, middle[1] + size * 0.5), (x - size * 0.12, middle[1] - size * 0.05),
                        (x - size * 0.4, middle[1] - size * 0.05), (x, middle[1] - size * 0.55),
                        (x + size * 0.4, middle[1] - size * 0.05), (x + size * 0.12, middle[1] - size * 0.05),
                        (x + size * 0.12, middle[1] + size * 0.5)], ink, thing, flags=IMAGE)  # fmt: skip
    return thing


def draw_signal(
    scene: DisplayList, dice: Dice, x: float, y: float, tall: float, *, ground: str | None = None
) -> int:
    """A traffic light: its head counts as a sign, its post as a pole."""
    pole = scene.thing("pole", None, ground)
    width = max(tall * 0.035, 0.008)
    scene.fill(limb(x, y, x, y - tall, width, width), dice.pick(_METALS), pole)
    thing = scene.thing("sign", None)
    size = tall * dice.uniform(0.1, 0.15)
    top = y - tall
    scene.fill(box(x - size * 0.5, top - size * 0.6, x + size * 0.5, top + size * 2.0), (24, 26, 28), thing)
    lit = dice.integer(0, 2)
    for n, lamp in enumerate(((235, 40, 30), (245, 180, 40), (50, 230, 110))):
        paint = lamp if n == lit else shade(lamp, 0.25)
        scene.fill(disc(x, top - size * 0.1 + n * size * 0.8, size * 0.3, size * 0.3, 10), paint, thing,
                   flags=IMAGE, texture=GLOW if n == lit else 0)  # fmt: skip
    return thing


def draw_fence(
    scene: DisplayList,
    dice: Dice,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    tall: float | None = None,
    colour: str | None = None,
    kind: str | None = None,
    ground: str | None = None,
) -> int:
    """A fence over the ground from `start` to `end` ((x, depth) metres each), `tall` metres high."""
    name = colour or pick_colour(dice, "fence")
    thing = scene.thing("fence", name, ground)
    paint = paint_of(dice, name)
    kind = kind or dice.weighted({"pickets": 3, "rails": 2, "iron": 2, "wire": 1, "boards": 1.5})
    tall = tall or dice.uniform(0.9, 1.9)
    length = math.dist(start, end)
    gap = {"pickets": 0.2, "rails": 1.8, "iron": 0.16, "wire": 2.2, "boards": 0.24}[kind]
    count = int(min(max(length / gap, 4), 46))
    scene.at_depth(min(start[1], end[1]))
    camera = scene.camera

    def at(u: Points, v: Points) -> Points:
        points = np.empty((*u.shape, 3))
        points[..., 0] = start[0] + (end[0] - start[0]) * u
        points[..., 1] = v * tall
        points[..., 2] = start[1] + (end[1] - start[1]) * u
        return camera.project(points)

    def bars(lows: list[float], highs: list[float]) -> Points:
        u = np.tile(np.array([0.0, 1.0, 1.0, 0.0]), (len(lows), 1))
        v = np.array([(lo, lo, hi, hi) for lo, hi in zip(lows, highs, strict=True)])
        return at(u, v)

    whole = bars([0.0], [1.0])[0]
    scene.fill(whole, shade(paint, 0.45), thing, flags=BOTH if kind == "boards" else OUTLINE)
    fill = {"pickets": 0.6, "rails": 0.09, "iron": 0.28, "wire": 0.06, "boards": 0.84}[kind]
    lefts = np.arange(count) / count
    wide = fill / count
    u = np.stack([lefts, lefts + wide, lefts + wide, lefts + wide / 2, lefts], 1)
    tip = 0.9 if kind in ("pickets", "iron") else 0.99
    v = np.tile(np.array([0.0, 0.0, tip, 1.0, tip]), (count, 1))
    if kind in ("rails", "wire", "iron", "pickets"):
        rows = {"rails": ([0.25, 0.55, 0.84], 0.1), "wire": ([0.2, 0.4, 0.6, 0.8, 0.95], 0.025),
                "iron": ([0.12, 0.82], 0.06), "pickets": ([0.25, 0.7], 0.1)}[kind]  # fmt: skip
        scene.fills(bars(rows[0], [low + rows[1] for low in rows[0]]), shade(paint, 0.85), thing)
    scene.fills(at(u, v), mix(paint, (0, 0, 0), 0.05), thing)
    return thing
