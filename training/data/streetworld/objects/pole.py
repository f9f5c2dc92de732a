"""Poles: posts, lamp posts and telegraph poles."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import GLOW, IMAGE, DisplayList
from training.data.streetworld.geometry import box, disc, limb
from training.data.streetworld.palette import Color, shade
from training.data.streetworld.rng import Rng

METALS: tuple[Color, ...] = (
    (120, 122, 126),
    (70, 74, 78),
    (36, 40, 44),
    (160, 162, 164),
    (60, 70, 60),
    (190, 188, 180),
)


def draw_pole(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, *, ground: str | None = None,
    lit: bool = False, kind: str | None = None, thick: float | None = None,
) -> int:  # fmt: skip
    """A post, lamp post, telegraph pole or bollard, ``tall`` image heights."""
    kind = kind or rng.weighted({"lamp": 3, "double": 0.8, "post": 2, "wires": 1.3, "ball": 1})
    thing = scene.thing("pole", None, ground)
    wood = kind == "wires"
    metal: Color = (104, 80, 60) if wood else rng.pick(METALS)
    width = thick or max(tall * rng.uniform(0.022, 0.04), 0.009)
    scene.fill(limb(x, y, x, y - tall, width, width * 0.75), metal, thing)
    scene.fill(
        limb(x + width * 0.2, y, x + width * 0.15, y - tall, width * 0.35, width * 0.3),
        shade(metal, 0.6),
        thing,
        flags=IMAGE,
    )
    scene.fill(box(x - width * 0.8, y - tall * 0.1, x + width * 0.8, y), shade(metal, 0.85), thing)
    top = y - tall
    glow = GLOW if lit else 0
    lamp: Color = (255, 236, 180) if lit else (226, 228, 226)
    if kind in ("lamp", "double"):
        for s in (-1.0, 1.0) if kind == "double" else (rng.sign(),):
            reach = s * tall * rng.uniform(0.12, 0.25)
            _arm(scene, thing, x, top, tall, width, reach, metal, lamp, glow)
    elif kind == "ball":
        scene.fill(disc(x, top - tall * 0.03, tall * 0.05, tall * 0.055), lamp, thing, texture=glow)
    elif kind == "wires":
        _wires(scene, rng, thing, x, top, tall, width, metal)
    return thing


def _arm(
    scene: DisplayList, thing: int, x: float, top: float, tall: float, width: float, reach: float,
    metal: Color, lamp: Color, glow: int,
) -> None:  # fmt: skip
    """An arm of a lamp post, ``reach`` to the right, with its lamp."""
    scene.fill(
        limb(x, top + width / 2, x + reach, top - tall * 0.02, width * 0.7, width * 0.5),
        metal,
        thing,
    )
    scene.fill(
        box(
            x + reach - tall * 0.045, top - tall * 0.03, x + reach + tall * 0.045, top + tall * 0.0
        ),
        metal,
        thing,
    )
    scene.fill(
        box(
            x + reach - tall * 0.035,
            top - tall * 0.002,
            x + reach + tall * 0.035,
            top + tall * 0.016,
        ),
        lamp,
        thing,
        texture=glow,
    )


def _wires(
    scene: DisplayList, rng: Rng, thing: int, x: float, top: float, tall: float, width: float,
    metal: Color,
) -> None:  # fmt: skip
    """Two crossbars and the wires they carry."""
    for drop in (0.04, 0.11):
        scene.fill(
            limb(
                x - tall * 0.12,
                top + tall * drop,
                x + tall * 0.12,
                top + tall * drop,
                width * 0.6,
                width * 0.6,
            ),
            metal,
            thing,
        )
    wires = [
        np.array(
            [
                (x + s * tall * 0.1, top + tall * 0.04),
                (x + s * 1.2, top - tall * rng.uniform(-0.1, 0.1)),
            ]
        )
        for s in (-1, 1)
    ]
    scene.lines(wires, 0.002, (50, 50, 54))
