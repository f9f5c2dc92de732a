"""Single trees: leafy, bare, conifers and palms."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import IMAGE, OUTLINE, DisplayList, Texture
from training.data.streetworld.geometry import Points, disc, limb
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Dice


def leaf_paint(dice: Dice, name: str) -> Color:
    """The color of foliage that is called `name`."""
    if name == "green":
        return (dice.uniform(38, 105), dice.uniform(75, 140), dice.uniform(24, 66))
    if name == "yellow":
        return (dice.uniform(185, 225), dice.uniform(155, 185), dice.uniform(40, 70))
    if name == "orange":
        return (dice.uniform(190, 225), dice.uniform(100, 125), dice.uniform(30, 50))
    if name == "red":
        return (dice.uniform(140, 180), dice.uniform(40, 60), dice.uniform(30, 50))
    return paint_of(dice, name)


def blob(dice: Dice, x: float, y: float, rx: float, ry: float, rough: float = 0.18) -> Points:
    """A ragged ellipse (18, 2)."""
    ring = disc(0.0, 0.0, 1.0, 1.0, 18)
    radii = np.array([1.0 - rough + 2 * rough * dice.roll() for _ in range(18)])
    return ring * radii[:, None] * (rx, ry) + (x, y)


def draw_tree(
    scene: DisplayList,
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    kind: str | None = None,
    color: str | None = None,
) -> int:
    """A tree of `tall` frame heights whose trunk meets the ground at (x, y)."""
    kind = kind or dice.weighted({"leafy": 5, "bare": 2.5, "conifer": 1.5, "palm": 0.5})
    name = color or pick_color(dice, "tree")
    bark = dice.pick(((84, 66, 50), (62, 50, 42), (112, 98, 84), (48, 42, 38), (150, 144, 134)))
    scene.blend(disc(x + 0.06 * tall, y, tall * 0.3, tall * 0.03), (8, 10, 12), 0.35)
    if kind == "bare":
        thing = scene.thing("tree", None, ground)
        _bare(scene, dice, x, y, tall, bark, thing)
    elif kind == "conifer":
        thing = scene.thing("tree", "green", ground)
        _conifer(scene, dice, x, y, tall, bark, thing)
    elif kind == "palm":
        thing = scene.thing("tree", "green", ground)
        _palm(scene, dice, x, y, tall, bark, thing)
    else:
        thing = scene.thing("tree", name, ground)
        _leafy(scene, dice, x, y, tall, bark, thing, leaf_paint(dice, name))
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
    scene: DisplayList,
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    bark: Color,
    thing: int,
    leaf: Color,
) -> None:
    trunk = dice.uniform(0.15, 0.42)
    _trunk(scene, x, y, tall * (trunk + 0.15), tall * dice.uniform(0.05, 0.09), bark, thing)
    wide = dice.uniform(0.24, 0.45) * tall
    centre = y - tall * (trunk + (1 - trunk) / 2)
    high = tall * (1 - trunk) / 2
    leaves = scene.texture(
        Texture(
            "leaves",
            dice.uniform(70, 200),
            dice.uniform(0.9, 1.5),
            offset=(dice.roll(), dice.roll()),
        )
    )
    scene.fill(blob(dice, x, centre, wide, high), shade(leaf, 0.72), thing, texture=leaves)
    for _ in range(5):
        turn, reach = dice.uniform(0, 2 * math.pi), dice.uniform(0.35, 0.75)
        bx, by = x + math.cos(turn) * wide * reach, centre + math.sin(turn) * high * reach
        light = 0.85 - 0.35 * math.sin(turn) * reach + dice.uniform(-0.12, 0.12)
        size = dice.uniform(0.3, 0.5)
        scene.fill(
            blob(dice, bx, by, wide * size, high * size), shade(leaf, light), thing, texture=leaves
        )
    scene.stipple(
        blob(dice, x, centre, wide * 1.02, high * 1.02),
        shade(leaf, 0.45),
        240,
        dice.uniform(0.05, 0.2),
        (dice.roll(), dice.roll()),
    )
    scene.stipple(
        blob(dice, x - wide * 0.1, centre - high * 0.25, wide * 0.8, high * 0.65),
        shade(leaf, 1.35),
        200,
        dice.uniform(0.08, 0.25),
        (dice.roll(), dice.roll()),
    )


def _branches(
    dice: Dice,
    x: float,
    y: float,
    turn: float,
    length: float,
    depth: int,
    levels: list[list[Points]],
) -> None:
    x1, y1 = x + math.sin(turn) * length, y - math.cos(turn) * length
    bend = dice.uniform(-0.1, 0.1) * length
    middle = ((x + x1) / 2 + bend, (y + y1) / 2)
    levels[depth].append(np.array([(x, y), middle, (x1, y1)]))
    if depth + 1 < len(levels):
        for n in range(3 if depth < 2 else 2):
            spread = (n - 1 if depth < 2 else n - 0.5) * 0.55 + dice.uniform(-0.25, 0.25)
            _branches(
                dice,
                x1,
                y1,
                turn * 0.9 + spread,
                length * dice.uniform(0.6, 0.8),
                depth + 1,
                levels,
            )


def _bare(
    scene: DisplayList, dice: Dice, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    wide, trunk = tall * dice.uniform(0.3, 0.46), dice.uniform(0.2, 0.34)
    crown = blob(
        dice, x, y - tall * (trunk + (1 - trunk) * 0.52), wide, tall * (1 - trunk) * 0.5, 0.12
    )
    scene.fill(crown, (0, 0, 0), thing, flags=OUTLINE)
    haze = mix(bark, (150, 120, 96), dice.uniform(0.2, 0.7))
    scene.blend(crown, haze, dice.uniform(0.15, 0.45))
    scene.stipple(
        crown,
        shade(haze, 0.8),
        dice.uniform(90, 200),
        dice.uniform(0.35, 0.7),
        (dice.roll(), dice.roll()),
    )
    scene.stipple(
        crown,
        shade(bark, 0.7),
        dice.uniform(120, 240),
        dice.uniform(0.15, 0.35),
        (dice.roll(), dice.roll()),
    )
    levels: list[list[Points]] = [[] for _ in range(4)]
    _branches(
        dice,
        x,
        y - tall * trunk * 0.9,
        dice.uniform(-0.1, 0.1),
        tall * (1 - trunk) * 0.34,
        0,
        levels,
    )
    for depth, lines in enumerate(levels):
        scene.lines(lines, tall * (0.022, 0.013, 0.008, 0.004)[depth], shade(bark, 0.85), thing)
    _trunk(scene, x, y, tall * trunk, tall * dice.uniform(0.035, 0.06), bark, thing)


def _conifer(
    scene: DisplayList, dice: Dice, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    leaf = (dice.uniform(20, 55), dice.uniform(55, 95), dice.uniform(34, 60))
    _trunk(scene, x, y, tall * 0.25, tall * 0.05, bark, thing)
    needles = scene.texture(
        Texture("needles", dice.uniform(90, 180), 1.2, offset=(dice.roll(), dice.roll()))
    )
    wide, tiers = tall * dice.uniform(0.18, 0.3), dice.integer(3, 5)
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
    scene: DisplayList, dice: Dice, x: float, y: float, tall: float, bark: Color, thing: int
) -> None:
    leaf = (dice.uniform(40, 80), dice.uniform(95, 140), dice.uniform(36, 60))
    lean = dice.uniform(-0.15, 0.15) * tall
    scene.fill(limb(x, y, x + lean, y - tall * 0.78, tall * 0.05, tall * 0.035), bark, thing)
    hub_x, hub_y = x + lean, y - tall * 0.78
    for n in range(9):
        turn = n * 2 * math.pi / 9 + dice.uniform(-0.2, 0.2)
        dx, dy = math.cos(turn) * 0.36 * tall, math.sin(turn) * 0.2 * tall
        tip = (hub_x + dx, hub_y + dy + 0.06 * tall)
        middle = (hub_x + dx * 0.55, hub_y + dy * 0.75 - 0.05 * tall)
        under = (hub_x + dx * 0.5, hub_y + dy * 0.75 + 0.03 * tall)
        scene.fill([(hub_x, hub_y), middle, tip, under], shade(leaf, 0.8 + 0.05 * n), thing)
