"""What is painted on a street besides its lines: arrows, bicycles, words, give-way teeth."""

from __future__ import annotations

import itertools

import numpy as np

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Points
from training.data.streetworld.objects.ground import Ground, strip
from training.data.streetworld.palette import Color
from training.data.streetworld.rng import Rng

# Outlines in metres (across, along the street), along growing away from whoever reads them.
_SHAFT = ((-0.11, 0.0), (0.11, 0.0), (0.11, 2.6), (-0.11, 2.6))
_AHEAD = ((-0.45, 2.5), (0.45, 2.5), (0.0, 4.2), (0.0, 4.2))
_TURN = ((0.0, 1.5), (0.85, 2.0), (0.0, 2.6), (0.0, 1.9))
_TOOTH = ((-0.25, 0.0), (0.25, 0.0), (0.0, -0.7), (0.0, -0.7))


def draw_road_symbol(
    scene: DisplayList, rng: Rng, road: Ground, x: float, depth: float, bend: float = 0.0
) -> None:
    """One symbol on ``road``, ``x`` metres from its middle, ``depth`` metres ahead."""
    worn = rng.uniform(0.45, 1.0)
    paint: Color = tuple(p + (224 - p) * worn for p in road.paint)  # type: ignore[assignment]
    kind = rng.weighted({"arrow": 3, "bicycle": 2, "word": 2, "teeth": 1})
    if kind == "arrow":
        head = np.array(_AHEAD)
        if rng.chance(0.4):
            head = np.array(_TURN) * (rng.pick((-1.0, 1.0)), 1.0)
        outlines = np.stack([np.array(_SHAFT), head])
    elif kind == "bicycle":
        outlines = _bicycle()
    elif kind == "word":
        outlines = _word(rng)
    else:
        outlines = np.array(_TOOTH)[None] + np.array(
            [(0.9 * n, 0.0) for n in range(rng.integer(3, 6))]
        )[:, None]  # fmt: skip
    road.marks(_on_the_road(scene, outlines, x, depth, bend), paint)


def draw_kerb_lines(
    scene: DisplayList, rng: Rng, road: Ground, x: float, inwards: float, bend: float
) -> None:
    """No-parking lines beside the kerb at ``x``, ``inwards`` (1 or -1) from it."""
    yellow: Color = rng.pick(((206, 176, 70), (170, 150, 84), (222, 222, 216), (150, 146, 140)))
    for inset in (0.25, 0.5) if rng.chance(0.7) else (0.3,):
        at = x + inwards * inset
        road.marks(strip(scene, at - 0.05, at + 0.05, 0.9, 50, bend)[None], yellow)


def _bicycle() -> Points:
    """Two wheels of eight spans each, and a frame."""
    turns = np.linspace(0, 2 * np.pi, 9)
    spans = []
    for middle in (-0.5, 0.5):
        for a, b in itertools.pairwise(turns):
            ring = [(r * np.cos(t), 1.6 * r * np.sin(t)) for r, t in
                    ((0.36, a), (0.36, b), (0.26, b), (0.26, a))]  # fmt: skip
            spans.append([(middle + u, v) for u, v in ring])
    spans.append([(-0.5, 0.0), (0.2, 0.0), (0.5, 0.9), (-0.2, 0.9)])
    return np.array(spans)


def _word(rng: Rng) -> Points:
    """Three to five tall letters, each an upright and two bars."""
    count, tall = rng.integer(3, 5), rng.uniform(1.2, 2.4)
    bars = []
    for n in range(count):
        left = 0.55 * (n - count / 2)
        bars.append((left, 0.0, left + 0.1, tall))
        if rng.chance(0.5):
            bars.append((left + 0.28, 0.0, left + 0.38, tall))
        height = rng.pick((0.0, 0.45, 0.88)) * tall
        bars.append((left, height, left + 0.38, height + 0.12 * tall))
    return np.array([[(u0, v0), (u1, v0), (u1, v1), (u0, v1)] for u0, v0, u1, v1 in bars])


def _on_the_road(
    scene: DisplayList, outlines_nk2: Points, x: float, depth: float, bend: float
) -> Points:
    """Outlines laid down on the ground as the camera sees them."""
    xyz = np.zeros((*outlines_nk2.shape[:2], 3))
    xyz[..., 2] = np.maximum(depth + outlines_nk2[..., 1], 0.9)
    xyz[..., 0] = x + outlines_nk2[..., 0] + bend * xyz[..., 2] ** 2
    return scene.camera.project(xyz)
