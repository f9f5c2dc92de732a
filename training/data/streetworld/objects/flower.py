"""Flowers."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import BOTH, IMAGE, DisplayList
from training.data.streetworld.geometry import disc, limb
from training.data.streetworld.palette import Color, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_flower(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, *, ground: str | None = None,
    color: str | None = None,
) -> int:  # fmt: skip
    """One flower with its stem, ``tall`` image heights."""
    name = color or pick_color(rng, "flower")
    thing = scene.thing("flower", name, ground)
    petal = paint_of(rng, name)
    green = (rng.uniform(40, 80), rng.uniform(110, 150), rng.uniform(30, 60))
    radius = tall * rng.uniform(0.22, 0.36)
    top = y - tall + radius
    lean = rng.uniform(-0.08, 0.08) * tall
    scene.fill(limb(x, y, x + lean, top, tall * 0.035, tall * 0.03), green, thing)
    for s in (-1, 1):
        if rng.chance(0.7):
            leaf_y = y - tall * rng.uniform(0.1, 0.3)
            tip = (x + s * tall * 0.22, leaf_y - tall * 0.12)
            scene.fill(
                [
                    (x, leaf_y),
                    (x + s * tall * 0.1, leaf_y - tall * 0.13),
                    tip,
                    (x + s * tall * 0.13, leaf_y - 0.02 * tall),
                ],
                shade(green, 0.85),
                thing,
            )
    draw_bloom(scene, rng, x + lean, top, radius, petal, thing)
    return thing


def draw_bloom(
    scene: DisplayList, rng: Rng, x: float, y: float, radius: float, petal: Color, thing: int
) -> None:
    """A flower's head, seen from the front."""
    kind = rng.weighted({"daisy": 3, "round": 2, "tulip": 1.2})
    if kind == "tulip":
        _tulip(scene, x, y, radius, petal, thing)
        return
    count = rng.integer(5, 6) if kind == "round" else rng.integer(7, 9)
    turn = rng.uniform(0, 6.28)
    wide = 0.5 if kind == "round" else 0.3
    for n in range(count):
        angle = turn + n * 2 * math.pi / count
        cos, sin = math.cos(angle), math.sin(angle)
        ring = disc(radius * 0.55, 0.0, radius * 0.48, radius * wide, 10)
        turned = ring @ np.array([(cos, sin), (-sin, cos)]) + (x, y)
        scene.fill(turned, shade(petal, 0.85 + 0.15 * (n % 2)), thing)
    heart = rng.pick(((240, 200, 60), (90, 56, 30), (250, 225, 120)))
    scene.fill(disc(x, y, radius * 0.26, radius * 0.26), heart, thing, flags=BOTH)


def _tulip(scene: DisplayList, x: float, y: float, r: float, petal: Color, thing: int) -> None:
    scene.fill(
        [
            (x - r * 0.62, y - r * 0.9),
            (x - r * 0.3, y - r * 0.4),
            (x, y - r),
            (x + r * 0.3, y - r * 0.4),
            (x + r * 0.62, y - r * 0.9),
            (x + r * 0.66, y + r * 0.2),
            (x + r * 0.3, y + r * 0.85),
            (x - r * 0.3, y + r * 0.85),
            (x - r * 0.66, y + r * 0.2),
        ],
        petal,
        thing,
    )
    scene.fill(
        [
            (x - r * 0.25, y - r * 0.3),
            (x, y - r * 0.95),
            (x + r * 0.25, y - r * 0.3),
            (x, y + r * 0.7),
        ],
        shade(petal, 0.75),
        thing,
        flags=IMAGE,
    )
