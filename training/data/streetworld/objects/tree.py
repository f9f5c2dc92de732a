"""Single trees: leafy, bare, conifers and palms."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import IMAGE, OUTLINE, DisplayList, Texture
from training.data.streetworld.geometry import Points, disc, limb
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def leaf_paint(rng: Rng, name: str) -> Color:
    """The color of foliage that is called ``name``."""
    if name == "green":
        return (rng.uniform(38, 105), rng.uniform(75, 140), rng.uniform(24, 66))
    if name == "yellow":
        return (rng.uniform(185, 225), rng.uniform(155, 185), rng.uniform(40, 70))
    if name == "orange":
        return (rng.uniform(190, 225), rng.uniform(100, 125), rng.uniform(30, 50))
    if name == "red":
        return (rng.uniform(140, 180), rng.uniform(40, 60), rng.uniform(30, 50))
    return paint_of(rng, name)


def blob(rng: Rng, x: float, y: float, rx: float, ry: float, rough: float = 0.18) -> Points:
    """A ragged ellipse (18, 2)."""
    ring = disc(0.0, 0.0, 1.0, 1.0, 18)
    radii = np.array([1.0 - rough + 2 * rough * rng.random() for _ in range(18)])
    return ring * radii[:, None] * (rx, ry) + (x, y)


def draw_tree(
    scene: DisplayList,
    rng: Rng,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    kind: str | None = None,
    color: str | None = None,
) -> int:
    """A tree of ``tall`` image heights whose trunk meets the ground at (x, y)."""
    kind = kind or rng.weighted({"leafy": 5, "bare": 2.5, "conifer": 1.5, "palm": 0.5})
    name = color or pick_color(rng, "tree")
    bark = rng.pick(((84, 66, 50), (62, 50, 42), (112, 98, 84), (48, 42, 38), (150, 144, 134)))
    scene.blend(disc(x + 0.06 * tall, y, tall * 0.3, tall * 0.03), (8, 10, 12), 0.35)
    if kind == "bare":
        thing = scene.thing("tree", None, ground)
        _bare(scene, rng, x, y, tall, bark, thing)
    elif kind == "conifer":
        thing = scene.thing("tree", "green", ground)
        _conifer(scene, rng, x, y, tall, bark, thing)
    elif kind == "palm":
        thing = scene.thing("tree", "green", ground)
        _palm(scene, rng, x, y, tall, bark, thing)
    else:
        thing = scene.thing("tree", name, ground)
        _leafy(scene, rng, x, y, tall, bark, thing, leaf_paint(rng, name))
    return thing


def _trunk(
    scene: DisplayList, x: float, y: float, tall: float, width: float, bark: Color, thing: int
) -> None:
    scene.fill(limb(x, y, x, y - tall, width, width * 0.7), bark, thing)
    scene.fill(
        limb(x + width * 0.25, y, x + width * 0.2, y - tall, width * 0.4, width * 0.3),
        shade(bark, 0.65),
        thing,
        flags=IMAGE,
    )


def _leafy(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, bark: Color, thing: int,
    leaf: Color,
) -> None:  # fmt: skip
    trunk = rng.uniform(0.15, 0.42)
    _trunk(scene, x, y, tall * (trunk + 0.15), tall * rng.uniform(0.05, 0.09), bark, thing)
    wide = rng.uniform(0.24, 0.45) * tall
    centre = y - tall * (trunk + (1 - trunk) / 2)
    high = tall * (1 - trunk) / 2
    leaves = scene.texture(
        Texture(
            "leaves",
            rng.uniform(70, 200),
            rng.uniform(0.9, 1.5),
            offset=(rng.random(), rng.random()),
        )
    )
    scene.fill(blob(rng, x, centre, wide, high), shade(leaf, 0.72), thing, texture=leaves)
    for _ in range(5):
        turn, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0.35, 0.75)
        bx, by = x + math.cos(turn) * wide * reach, centre + math.sin(turn) * high * reach
        light = 0.85 - 0.35 * math.sin(turn) * reach + rng.uniform(-0.12, 0.12)
        size = rng.uniform(0.3, 0.5)
        scene.fill(
            blob(rng, bx, by, wide * size, high * size), shade(leaf, light), thing, texture=leaves
        )
    scene.stipple(
        blob(rng, x, centre, wide * 1.02, high * 1.02),
        shade(leaf, 0.45),
        240,
        rng.uniform(0.05, 0.2),
        (rng.random(), rng.random()),
    )
    scene.stipple(
        blob(rng, x - wide * 0.1, centre - high * 0.25, wide * 0.8, high * 0.65),
        shade(leaf, 1.35),
        200,
        rng.uniform(0.08, 0.25),
        (rng.random(), rng.random()),
    )


def _branches(
    rng: Rng, x: float, y: float, turn: float, length: float, depth: int, levels: list[list[Points]]
) -> None:
    x1, y1 = x + math.sin(turn) * length, y - math.cos(turn) * length
    bend = rng.uniform(-0.1, 0.1) * length
    middle = ((x + x1) / 2 + bend, (y + y1) / 2)
    levels[depth].append(np.array([(x, y), middle, (x1, y1)]))
    if depth + 1 < len(levels):
        for n in range(3 if depth < 2 else 2):
            spread = (n - 1 if depth < 2 else n - 0.5) * 0.55 + rng.uniform(-0.25, 0.25)
            _branches(
                rng, x1, y1, turn * 0.9 + spread, length * rng.uniform(0.6, 0.8), depth + 1, levels
            )


def _bare(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    wide, trunk = tall * rng.uniform(0.3, 0.46), rng.uniform(0.2, 0.34)
    crown = blob(
        rng, x, y - tall * (trunk + (1 - trunk) * 0.52), wide, tall * (1 - trunk) * 0.5, 0.12
    )
    scene.fill(crown, (0, 0, 0), thing, flags=OUTLINE)
    haze = mix(bark, (150, 120, 96), rng.uniform(0.2, 0.7))
    scene.blend(crown, haze, rng.uniform(0.15, 0.45))
    for paint, texels, cover in (
        (shade(haze, 0.8), (90, 200), (0.35, 0.7)),
        (shade(bark, 0.7), (120, 240), (0.15, 0.35)),
    ):
        twigs = rng.uniform(*texels), rng.uniform(*cover), (rng.random(), rng.random())
        scene.stipple(crown, paint, *twigs)
    levels: list[list[Points]] = [[] for _ in range(4)]
    _branches(
        rng, x, y - tall * trunk * 0.9, rng.uniform(-0.1, 0.1), tall * (1 - trunk) * 0.34, 0, levels
    )
    for depth, lines in enumerate(levels):
        scene.lines(lines, tall * (0.022, 0.013, 0.008, 0.004)[depth], shade(bark, 0.85), thing)
    _trunk(scene, x, y, tall * trunk, tall * rng.uniform(0.035, 0.06), bark, thing)


def _conifer(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    leaf = (rng.uniform(20, 55), rng.uniform(55, 95), rng.uniform(34, 60))
    _trunk(scene, x, y, tall * 0.25, tall * 0.05, bark, thing)
    needles = scene.texture(
        Texture("needles", rng.uniform(90, 180), 1.2, offset=(rng.random(), rng.random()))
    )
    wide, tiers = tall * rng.uniform(0.18, 0.3), rng.integer(3, 5)
    for tier in range(tiers):
        low = 0.12 + 0.75 * tier / tiers
        half = wide * (1 - low * 0.85)
        top = min(low + 1.5 / tiers * 0.75, 1.0)
        sag = 0.03 * tall
        scene.fill(
            [
                (x - half, y - low * tall),
                (x - half * 0.5, y - low * tall - sag),
                (x, y - low * tall + sag),
                (x + half * 0.5, y - low * tall - sag),
                (x + half, y - low * tall),
                (x, y - top * tall),
            ],
            shade(leaf, 0.8 + 0.3 * tier / tiers),
            thing,
            texture=needles,
        )


def _palm(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    leaf = (rng.uniform(40, 80), rng.uniform(95, 140), rng.uniform(36, 60))
    lean = rng.uniform(-0.15, 0.15) * tall
    scene.fill(limb(x, y, x + lean, y - tall * 0.78, tall * 0.05, tall * 0.035), bark, thing)
    hub_x, hub_y = x + lean, y - tall * 0.78
    for n in range(9):
        turn = n * 2 * math.pi / 9 + rng.uniform(-0.2, 0.2)
        dx, dy = math.cos(turn) * 0.36 * tall, math.sin(turn) * 0.2 * tall
        tip = (hub_x + dx, hub_y + dy + 0.06 * tall)
        middle = (hub_x + dx * 0.55, hub_y + dy * 0.75 - 0.05 * tall)
        under = (hub_x + dx * 0.5, hub_y + dy * 0.75 + 0.03 * tall)
        scene.fill([(hub_x, hub_y), middle, tip, under], shade(leaf, 0.8 + 0.05 * n), thing)
