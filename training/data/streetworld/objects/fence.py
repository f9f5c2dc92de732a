"""Fences: pickets, rails, iron, wire and boards."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import BOTH, OUTLINE, DisplayList
from training.data.streetworld.geometry import Points
from training.data.streetworld.palette import mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_fence(
    scene: DisplayList, rng: Rng, start: tuple[float, float], end: tuple[float, float], *,
    tall: float | None = None, color: str | None = None, kind: str | None = None,
    ground: str | None = None,
) -> int:  # fmt: skip
    """A fence over the ground from ``start`` to ``end`` ((x, depth) metres), ``tall`` metres."""
    name = color or pick_color(rng, "fence")
    thing = scene.thing("fence", name, ground)
    paint = paint_of(rng, name)
    kind = kind or rng.weighted({"pickets": 3, "rails": 2, "iron": 2, "wire": 1, "boards": 1.5})
    tall = tall or rng.uniform(0.9, 1.9)
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
