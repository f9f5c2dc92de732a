"""Boats: sailing, motor, rowing and cargo boats."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import IMAGE, DisplayList, Texture
from training.data.streetworld.geometry import disc
from training.data.streetworld.objects.figure import Figure
from training.data.streetworld.palette import Color, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_boat(
    scene: DisplayList, rng: Rng, x: float, y: float, long: float, *, ground: str | None = None,
    color: str | None = None,
) -> int:  # fmt: skip
    """A boat whose keel lies at (x, y), ``long`` image heights from bow to stern."""
    name = color or pick_color(rng, "boat")
    thing = scene.thing("boat", name, ground)
    paint = paint_of(rng, name)
    kind = rng.weighted({"sail": 3, "motor": 2.5, "row": 1.5, "cargo": 1.2})
    figure = Figure(scene, thing, x, y, long, rng.sign())
    deep = rng.uniform(0.13, 0.2)
    if ground == "water":
        scene.blend(
            figure.at(
                np.array([(-0.44, 0.0), (0.44, 0.0), (0.36, -deep * 1.1), (-0.38, -deep * 1.1)])
            ),
            shade(paint, 0.6),
            0.4,
        )
    gloss = scene.texture(
        Texture(
            "planks" if kind == "row" else "metal", 120, 0.8, offset=(rng.random(), rng.random())
        )
    )
    if kind == "sail":
        _sails(figure, rng, deep)
    elif kind == "motor":
        _cabin(figure, rng, deep, paint, -0.22, 0.14, rng.uniform(0.14, 0.22))
    elif kind == "cargo":
        _cabin(figure, rng, deep, (225, 225, 220), -0.42, -0.24, rng.uniform(0.18, 0.3))
        _cargo(figure, rng, deep)
    _hull(figure, rng, deep, paint, gloss, open_above=kind == "row")
    return thing


def _hull(
    figure: Figure, rng: Rng, deep: float, paint: Color, gloss: int, *, open_above: bool
) -> None:
    hull = [
        (-0.46, deep),
        (-0.42, 0.02),
        (-0.38, 0.0),
        (0.34, 0.0),
        (0.42, deep * 0.5),
        (0.52, deep * 1.18),
        (0.3, deep * 1.02),
    ]
    if open_above:
        inside = [
            (-0.44, deep),
            (-0.3, deep * 1.25),
            (0.3, deep * 1.3),
            (0.5, deep * 1.15),
            (0.3, deep * 0.9),
        ]
        figure.polygon(inside, shade((150, 110, 70), 0.6))
    figure.polygon(hull, paint, texture=gloss)
    trim: Color = rng.pick(((240, 240, 240), (30, 34, 50), (160, 40, 36)))
    figure.polygon(
        [(-0.455, deep * 0.98), (-0.452, deep * 0.8), (0.46, deep * 0.86), (0.5, deep * 1.1)],
        trim,
        IMAGE,
    )
    figure.polygon(
        [(-0.425, deep * 0.12), (-0.38, 0.0), (0.34, 0.0), (0.37, deep * 0.14)],
        shade(paint, 0.45),
        IMAGE,
    )


def _sails(figure: Figure, rng: Rng, deep: float) -> None:
    high = rng.uniform(0.8, 1.25)
    figure.limb(0.02, deep * 0.8, 0.02, high, 0.022, 0.012, (110, 86, 60))
    if rng.chance(0.85):
        sail = rng.pick(
            ((245, 243, 235), (240, 236, 220), (235, 225, 200), (200, 60, 50), (60, 90, 170))
        )
        low = deep + 0.07
        figure.polygon(
            [(0.0, low), (0.0, high * 0.97), (-0.16, high * 0.5), (-0.36, low + 0.02)], sail
        )
        figure.polygon(
            [(0.05, low), (0.04, high * 0.9), (0.2, high * 0.42), (0.44, low)], shade(sail, 0.9)
        )
    figure.limb(-0.36, deep + 0.06, 0.02, deep + 0.06, 0.016, 0.016, (110, 86, 60))


def _cabin(
    figure: Figure, rng: Rng, deep: float, paint: Color, left: float, right: float, tall: float
) -> None:
    wall = rng.pick(((240, 240, 236), shade(paint, 0.85), (205, 190, 160)))
    low, top = deep * 0.9, deep + tall
    figure.polygon([(left, low), (left + 0.01, top), (right - 0.05, top), (right, low)], wall)
    panes = []
    count = 3 if right - left > 0.25 else 2
    for n in range(count):
        a = left + 0.02 + (right - left - 0.07) * n / count
        b = a + (right - left - 0.07) / count * 0.75
        panes.append(
            [
                (a, top - tall * 0.55),
                (b, top - tall * 0.55),
                (b, top - tall * 0.15),
                (a, top - tall * 0.15),
            ]
        )
    figure.scene.fills(figure.at(np.array(panes)), (44, 58, 74), figure.thing)
    figure.limb(left - 0.02, top + 0.012, right - 0.01, top + 0.012, 0.025, 0.025, shade(wall, 0.7))
    if rng.chance(0.5):
        figure.limb(left + 0.06, top, left + 0.06, top + 0.16, 0.012, 0.01, (70, 70, 74))


def _cargo(figure: Figure, rng: Rng, deep: float) -> None:
    for n in range(4):
        x = -0.2 + n * 0.13
        tint = paint_of(rng, rng.pick(("red", "blue", "green", "brown", "grey", "yellow")))
        tall = rng.pick((0.08, 0.15))
        figure.polygon(
            [(x, deep * 0.9), (x, deep + tall), (x + 0.12, deep + tall), (x + 0.12, deep * 0.9)],
            tint,
        )
    figure.scene.fill(
        figure.at(disc(0.47, deep * 0.8, 0.012, 0.014)), (30, 30, 30), figure.thing, flags=IMAGE
    )
