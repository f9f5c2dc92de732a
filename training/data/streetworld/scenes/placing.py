"""Puts one thing of any noun somewhere on the ground of a scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.objects.bicyclist import draw_bicyclist
from training.data.streetworld.objects.boat import draw_boat
from training.data.streetworld.objects.building import draw_building
from training.data.streetworld.objects.bus import draw_bus
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.dog import draw_dog
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.flower import draw_flower
from training.data.streetworld.objects.person import draw_person
from training.data.streetworld.objects.pole import draw_pole
from training.data.streetworld.objects.sign import draw_sign, draw_signal
from training.data.streetworld.objects.tree import draw_tree
from training.data.streetworld.objects.wood import draw_bush
from training.data.streetworld.palette import COLORED, pick_color
from training.data.streetworld.rng import Rng

# Metres from the ground to the top (boats: from bow to stern).
HEIGHTS: dict[str, float] = {
    "car": 1.5, "bus": 3.2, "person": 1.72, "bicyclist": 1.8, "dog": 0.75, "boat": 5.0,
    "flower": 0.6, "tree": 5.0, "pole": 4.5, "sign": 2.6, "fence": 1.2, "building": 7.0,
}  # fmt: skip
OBJECTS: tuple[str, ...] = tuple(HEIGHTS)
# Who draws a vehicle, its length and its width in metres.
_VEHICLES: dict[str, tuple[Callable[..., int], float, float]] = {
    "car": (draw_car, 4.2, 1.8),
    "bus": (draw_bus, 10.0, 2.5),
}
_SPRITES: dict[str, Callable[..., int]] = {
    "person": draw_person,
    "bicyclist": draw_bicyclist,
    "dog": draw_dog,
    "flower": draw_flower,
}


def put(
    scene: DisplayList, rng: Rng, noun: str, x: float, y: float, tall: float, *,
    ground: str | None = None, color: str | None = None, lit: bool = False,
    yaw: float | None = None,
) -> int:  # fmt: skip
    """Draws a ``noun`` that touches the ground at (x, y) and is about ``tall`` image heights.

    Returns:
        Its thing number.
    """
    if color is None and noun != "building" and noun in COLORED:
        color = pick_color(rng, noun)
    scene.at_depth(HEIGHTS[noun] * scene.camera.focal / max(tall, 0.02))
    if noun in _SPRITES:
        return _SPRITES[noun](scene, rng, x, y, tall, ground=ground, color=color)
    if noun == "boat":
        return draw_boat(scene, rng, x, y, tall * 1.3, ground=ground, color=color)
    if noun == "tree":
        if tall < 0.45 and rng.chance(0.25):
            return draw_bush(scene, rng, x, y, tall * rng.uniform(1.0, 2.0), tall, ground=ground)
        return draw_tree(scene, rng, x, y, tall, ground=ground, color=color)
    if noun == "pole":
        return draw_pole(scene, rng, x, y, tall, ground=ground, lit=lit)
    if noun == "sign":
        if rng.chance(0.15):
            return draw_signal(scene, rng, x, y, tall, ground=ground)
        return draw_sign(scene, rng, x, y, tall, ground=ground, color=color)
    return _put_solid(scene, rng, noun, x, y, tall, ground, color, lit, yaw)


def _put_solid(
    scene: DisplayList, rng: Rng, noun: str, x: float, y: float, tall: float,
    ground: str | None, color: str | None, lit: bool, yaw: float | None,
) -> int:  # fmt: skip
    """Things in true perspective: they get a camera whose height makes them ``tall`` at (x, y)."""
    outer = scene.camera
    depth = HEIGHTS[noun] * outer.focal / tall
    eye = (y - outer.horizon) * depth / outer.focal
    scene.camera = replace(outer, height=eye)
    metres = (x - outer.centre) * depth / outer.focal
    turn = yaw if yaw is not None else _turn(rng)
    try:
        if noun in ("car", "bus"):
            draw, length, wide = _VEHICLES[noun]
            middle = depth + _reach(length, wide, turn)
            return draw(scene, rng, metres, middle, turn, ground=ground, color=color, lights=lit)
        if noun == "fence":
            half, slant = rng.uniform(1.5, 7.0), rng.uniform(-0.25, 0.25)
            start = metres - half, depth * (1 - slant)
            end = metres + half, depth * (1 + slant)
            return draw_fence(scene, rng, start, end, color=color, ground=ground)
        half, slant = rng.uniform(2.5, 8.0), rng.uniform(-0.3, 0.3)
        start = metres - half, depth * (1 + slant)
        end = metres + half, depth * (1 - slant)
        high = HEIGHTS["building"] * rng.uniform(0.7, 1.3)
        return draw_building(scene, rng, start, end, high, color=color, ground=ground, lit=lit)
    finally:
        scene.camera = outer


def _reach(length: float, width: float, turn: float) -> float:
    """How far a vehicle's middle lies behind its nearest face."""
    return 0.45 * (length * abs(math.cos(turn)) + width * abs(math.sin(turn)))


def _turn(rng: Rng) -> float:
    """A heading: sides, fronts and rears more often than anything between."""
    quarter = math.pi / 2 * rng.integer(0, 3)
    return quarter + (rng.bell(0, 0.12) if rng.chance(0.5) else rng.uniform(-0.8, 0.8))
