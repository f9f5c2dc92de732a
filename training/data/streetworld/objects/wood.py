"""Bushes, hedges and woods: all of them are called trees."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import DisplayList, Texture
from training.data.streetworld.objects.tree import blob, leaf_paint
from training.data.streetworld.palette import shade
from training.data.streetworld.rng import Rng


def draw_bush(
    scene: DisplayList,
    rng: Rng,
    x: float,
    y: float,
    wide: float,
    tall: float,
    *,
    ground: str | None = None,
) -> int:
    """A bush, whose word is "tree" as well."""
    thing = scene.thing("tree", "green", ground)
    leaf = leaf_paint(rng, "green")
    leaves = scene.texture(
        Texture("leaves", rng.uniform(90, 200), 1.2, offset=(rng.random(), rng.random()))
    )
    for dx, size, light in (
        (0.0, 1.0, 0.75),
        (-0.3, 0.6, 0.95),
        (0.28, 0.55, 0.85),
        (0.02, 0.5, 1.1),
    ):
        scene.fill(
            blob(rng, x + dx * wide, y - tall * 0.45 * size, wide * 0.5 * size, tall * 0.5 * size),
            shade(leaf, light),
            thing,
            texture=leaves,
        )
    return thing


def draw_treeline(
    scene: DisplayList, rng: Rng, left: float, right: float, base: float, tall: float, *,
    bare: bool = False, ragged: float = 0.4,
) -> int:  # fmt: skip
    """A row of trees or a wood as one ragged band that stands on y = ``base``."""
    name = "green" if bare else rng.weighted({"green": 8, "yellow": 0.8, "orange": 0.8, "red": 0.3})
    thing = scene.thing("tree", None if bare else name)
    leaf = (
        leaf_paint(rng, name)
        if not bare
        else (rng.uniform(90, 130), rng.uniform(74, 104), rng.uniform(60, 84))
    )
    steps = 44
    xs = np.linspace(left, right, steps)
    phase, wave = rng.uniform(0, 6), rng.uniform(4, 14)
    heights = np.array(
        [
            tall * (1 - ragged * (0.5 + 0.3 * math.sin(wave * x + phase) - 0.45 * rng.random()))
            for x in xs
        ]
    )
    edge = np.stack([xs, base - heights], 1)
    band = np.vstack([edge, [(right, base), (left, base)]])
    leaves = scene.texture(
        Texture(
            "twigs" if bare else "leaves",
            rng.uniform(60, 180),
            rng.uniform(0.8, 1.4),
            offset=(rng.random(), rng.random()),
        )
    )
    scene.fill(band, shade(leaf, 0.85), thing, texture=leaves)
    lower = np.vstack([np.stack([xs, base - heights * 0.45], 1), [(right, base), (left, base)]])
    scene.fill(lower, shade(leaf, 0.6), thing, texture=leaves)
    if bare:
        _stems(scene, rng, thing, (left, right), base, tall)
    else:
        for _ in range(6):
            x, size = rng.uniform(max(left, -0.8), min(right, 0.8)), tall * rng.uniform(0.2, 0.35)
            crown = blob(rng, x, base - tall * 0.5, size, size * 0.9)
            scene.fill(crown, shade(leaf, rng.uniform(0.8, 1.15)), thing, texture=leaves)
    return thing


def _stems(
    scene: DisplayList, rng: Rng, thing: int, ends: tuple[float, float], base: float, tall: float
) -> None:
    """Trunks of a bare wood."""
    stems = []
    for _ in range(10):
        sx = rng.uniform(*ends)
        stems.append(np.array([(sx, base), (sx + rng.uniform(-0.02, 0.02), base - tall * 0.6)]))
    scene.lines(stems, 0.006, (56, 46, 40), thing)
