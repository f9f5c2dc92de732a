"""Buses and double-deckers, seen from any side."""

from __future__ import annotations

from training.data.streetworld.drawing import BOTH, GLOW, IMAGE, DisplayList, Texture
from training.data.streetworld.objects.vehicle import (
    GLASS,
    RUBBER,
    Body,
    Corner,
    draw_shadow,
    draw_wheels,
    end_shown,
    side_shown,
    stand_vehicle,
)
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_bus(
    scene: DisplayList, rng: Rng, x: float, depth: float, yaw: float, *, ground: str | None = None,
    color: str | None = None, lights: bool = False,
) -> int:  # fmt: skip
    """A bus or double-decker that stands at (x, depth) metres. Returns its thing number."""
    name = color or pick_color(rng, "bus")
    double = rng.chance(0.3)
    length, width = rng.uniform(8.5, 12.0), 2.5
    height = 4.3 if double else rng.uniform(2.9, 3.2)
    paint = paint_of(rng, name)
    body = stand_vehicle(scene, "bus", name, ground, x, depth, yaw)
    draw_shadow(body, length, width)
    side, end = side_shown(body, width), end_shown(body, length)
    half, nose, low = width / 2, length / 2, 0.3
    sun = rng.uniform(0.75, 1.0)
    gloss = scene.texture(Texture("metal", 90, 0.9, offset=(rng.random(), rng.random())))
    glass = mix(GLASS, (140, 160, 175), rng.uniform(0.0, 0.5))
    lit = GLOW if lights and rng.chance(0.7) else 0
    if lit:
        glass = (225, 205, 140)
    if scene.camera.height > height:
        roof = [
            (-half, height, -nose),
            (half, height, -nose),
            (half, height, nose),
            (-half, height, nose),
        ]
        body.face(roof, shade(paint, 1.15))
    if end:
        z = end * nose
        face = [(-half, low, z), (half, low, z), (half, height, z), (-half, height, z)]
        body.face(face, shade(paint, 0.88 * sun), texture=gloss)
        _bus_end(body, end, half, z, height, double, glass, lit)
    if side:
        _bus_side(body, rng, side * half, length, height, double, paint, sun, glass, lit, gloss)
        draw_wheels(body, side, width, [-0.28 * length, 0.3 * length], 0.48, (120, 120, 124))
    body.flush()
    return body.thing


def _bus_side(
    body: Body, rng: Rng, xs: float, length: float, height: float, double: bool, paint: Color,
    sun: float, glass: Color, lit: int, gloss: int,
) -> None:  # fmt: skip
    """A flank with its windows, stripe and door, ``xs`` metres beside the middle."""
    nose, low = length / 2, 0.3
    flank = [(xs, low, -nose), (xs, low, nose), (xs, height, nose), (xs, height, -nose)]
    body.face(flank, shade(paint, sun), texture=gloss)
    rows = [(1.45, 2.25), (2.95, 3.75)] if double else [(0.46 * height, 0.82 * height)]
    count = rng.integer(5, 8)
    panes: list[Corner] = []
    for y0, y1 in rows:
        for n in range(count):
            za = -nose + length * (0.04 + 0.92 * n / count)
            zb = za + length * 0.92 / count * 0.86
            panes += [(xs, y0, za), (xs, y0, zb), (xs, y1, zb), (xs, y1, za)]
    body.face(panes, glass, texture=lit, flags=IMAGE, each=4)
    if rng.chance(0.6):
        stripe = rng.pick(((235, 235, 235), (30, 30, 34), shade(paint, 0.5)))
        band = [(xs, 0.95, -nose), (xs, 0.95, nose), (xs, 1.12, nose), (xs, 1.12, -nose)]
        body.face(band, stripe, flags=IMAGE)
    door_z = nose - length * 0.12
    door = [
        (xs, low + 0.05, door_z),
        (xs, low + 0.05, door_z + 1.0),
        (xs, 2.25, door_z + 1.0),
        (xs, 2.25, door_z),
    ]
    body.face(door, mix(GLASS, paint, 0.15), flags=IMAGE)


def _bus_end(
    body: Body, end: float, half: float, z: float, height: float, double: bool, glass: Color,
    lit: int,
) -> None:  # fmt: skip
    pane_top = 2.35 if double else height * 0.82
    spans = [(-0.9, 0.9, 1.15 if end > 0 else 1.5, pane_top, z)]
    if double:
        spans.append((-0.88, 0.88, 2.9, 3.8, z))
    body.across(half, spans, glass, texture=lit)
    if end > 0:
        board = (-0.6, 0.6, pane_top + 0.06, pane_top + 0.34, z)
        body.across(half, [board], (250, 190, 60), texture=GLOW)
    lamp = (250, 246, 225) if end > 0 else (200, 30, 25)
    body.across(half, [(-0.92, -0.66, 0.6, 0.85, z), (0.66, 0.92, 0.6, 0.85, z)], lamp)
    body.across(half, [(-1.0, 1.0, 0.3, 0.48, z)], (40, 40, 44))
    body.across(half, [(-0.95, -0.7, 0.0, 0.32, z), (0.7, 0.95, 0.0, 0.32, z)], RUBBER, flags=BOTH)
