"""Cars of several makes, seen from any side."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import BOTH, GLOW, IMAGE, DisplayList, Texture
from training.data.streetworld.geometry import Points
from training.data.streetworld.objects.polished_car import draw_polished_car
from training.data.streetworld.objects.vehicle import (
    GLASS,
    RUBBER,
    Body,
    draw_shadow,
    draw_wheels,
    end_shown,
    side_shown,
    stand_vehicle,
)
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng

# Side profiles in units of (length, height), from the rear: the body, then the cabin.
_PROFILES: dict[str, tuple[tuple[float, ...], ...]] = {
    # rear base z, rear top z, front top z, front base z, belt y, bonnet y, boot y
    "hatchback": ((-0.47, -0.40, 0.12, 0.27), (0.62, 0.56, 0.60)),
    "saloon": ((-0.34, -0.22, 0.10, 0.26), (0.63, 0.58, 0.62)),
    "estate": ((-0.48, -0.43, 0.10, 0.25), (0.62, 0.57, 0.62)),
    "jeep": ((-0.48, -0.45, 0.12, 0.22), (0.60, 0.58, 0.60)),
    "van": ((-0.49, -0.48, 0.28, 0.42), (0.55, 0.50, 0.55)),
    "sports": ((-0.36, -0.18, 0.02, 0.22), (0.62, 0.54, 0.60)),
}


_SIZES = {  # length, width, height in metres
    "hatchback": (3.8, 1.7, 1.48),
    "saloon": (4.6, 1.8, 1.45),
    "estate": (4.6, 1.8, 1.5),
    "jeep": (4.4, 1.85, 1.8),
    "van": (4.9, 1.95, 2.1),
    "sports": (4.2, 1.8, 1.25),
}


def draw_car(
    scene: DisplayList, rng: Rng, x: float, depth: float, yaw: float, *, ground: str | None = None,
    color: str | None = None, lights: bool = False,
) -> int:  # fmt: skip
    """A car that stands at (x, depth) metres. Returns its thing number."""
    if scene.polished and rng.chance(scene.polished):
        return draw_polished_car(scene, rng, x, depth, yaw, ground=ground, lights=lights)
    name = color or pick_color(rng, "car")
    kind = rng.weighted(
        {"hatchback": 3, "saloon": 3, "estate": 2, "jeep": 1.5, "van": 1, "sports": 1}
    )
    cabin, (belt, bonnet, boot) = _PROFILES[kind]
    z0, z3 = cabin[0], cabin[3]
    length, width, height = (v * rng.uniform(0.93, 1.07) for v in _SIZES[kind])
    paint = paint_of(rng, name)
    body = stand_vehicle(scene, "car", name, ground, x, depth, yaw)
    draw_shadow(body, length, width)
    sun = rng.uniform(0.75, 1.0)
    side, end = side_shown(body, width), end_shown(body, length)
    low, half, nose = 0.2, width / 2, length / 2
    rise = height * belt
    gloss = scene.texture(Texture("metal", 90, 1.0, offset=(rng.random(), rng.random())))

    outline = [
        (-nose, low), (-nose * 1.0, height * boot), (z0 * length, rise), (z3 * length, rise),
        (nose * 0.96, height * bonnet), (nose, height * 0.42), (nose, low),
    ]  # fmt: skip
    top_light, end_light = 1.12, 0.86
    # bonnet and boot, as strips across
    for (za, ya), (zb, yb) in ((outline[1], outline[2]), (outline[3], (nose, height * bonnet))):
        strip = [(-half, ya, za), (half, ya, za), (half, yb, zb), (-half, yb, zb)]
        body.face(strip, shade(paint, top_light), texture=gloss)
    if end:
        z = end * nose
        rim = height * (bonnet if end > 0 else boot)
        face = [(-half, low, z), (half, low, z), (half, rim, z), (-half, rim, z)]
        body.face(face, shade(paint, end_light * sun), texture=gloss)
        _car_end(body, rng, end, half, z, low, rim, lights)
    if side:
        _flank(body, side * half, outline, length, rise, paint, sun, gloss)
    _cabin(body, paint, sun, side, end, half, height, rise, [z * length for z in cabin], kind)
    if side:
        hub = rng.pick(((150, 152, 156), (95, 97, 100), (185, 186, 190)))
        draw_wheels(body, side, width, [-0.31 * length, 0.32 * length], 0.32, hub)
    body.flush()
    return body.thing


def _flank(
    body: Body, xs: float, outline: list[tuple[float, float]], length: float, rise: float,
    paint: Color, sun: float, gloss: int,
) -> None:  # fmt: skip
    """A side below the windows, with seam and handle of its door, ``xs`` metres off the middle."""
    nose, low, scene = length / 2, outline[0][1], body.scene
    flank = [(xs, y, z) for z, y in outline]
    body.face(flank, shade(paint, sun), texture=gloss)
    body.flush()
    seam = [(xs, low + 0.05, -0.02 * length), (xs, rise, -0.02 * length)]
    handle = [(xs, rise * 0.86, z) for z in (-0.08 * length, -0.04 * length)]
    both = body.at(seam + handle)
    scene.lines([both[:2], both[2:]], 0.002, shade(paint, 0.55), body.thing)
    sill = [
        (xs, y, z) for y, z in ((low, -nose), (low + 0.12, -nose), (low + 0.12, nose), (low, nose))
    ]
    body.face(sill, shade(paint, 0.4), flags=IMAGE)


def _cabin(
    body: Body, paint: Color, sun: float, side: float, end: float,
    half: float, height: float, rise: float, zs: list[float], kind: str,
) -> None:  # fmt: skip
    z0, z1, z2, z3 = zs
    top = half * (0.94 if kind == "van" else 0.8)
    scene, thing = body.scene, body.thing
    body.flush()
    if end:
        zb, zt = (z3, z2) if end > 0 else (z0, z1)
        points = body.at(
            [(-half, rise, zb), (half, rise, zb), (top, height, zt), (-top, height, zt)]
        )
        glass = mix(GLASS, (120, 140, 160), 0.25)
        scene.fill(points, shade(paint, 0.7), thing)
        middle = points.mean(0)
        scene.fill((points - middle) * 0.86 + middle, glass, thing, flags=IMAGE)
    if side:
        base, roof = side * half, side * top
        flank = body.at(
            [(base, rise, z0), (base, rise, z3), (roof, height, z2), (roof, height, z1)]
        )
        scene.fill(flank, shade(paint, sun * 0.92), thing)
        spans = ((0.55, 0.93),) if kind == "van" else ((0.07, 0.5), (0.55, 0.93))
        panes = np.array([_pane(flank, first, last) for first, last in spans])
        scene.fills(panes, mix(GLASS, (90, 110, 130), 0.2), thing)
    above = [(-top, height, z1), (top, height, z1), (top, height, z2), (-top, height, z2)]
    if scene.camera.height > height:
        body.face(above, shade(paint, 1.15))
    else:
        edge = body.at([*above, above[0]])
        scene.lines([edge], 0.003, shade(paint, 1.0), thing, flags=BOTH)


def _pane(flank: Points, first: float, last: float) -> Points:
    """A side window between two shares of the cabin's length (4, 2)."""
    a = flank[0] * (1 - first) + flank[1] * first
    b = flank[0] * (1 - last) + flank[1] * last
    c = flank[3] * (1 - last) + flank[2] * last
    d = flank[3] * (1 - first) + flank[2] * first
    return np.array(
        [a * 0.93 + d * 0.07, b * 0.93 + c * 0.07, b * 0.14 + c * 0.86, a * 0.14 + d * 0.86]
    )


def _car_end(
    body: Body, rng: Rng, end: float, half: float, z: float, low: float, rim: float,
    lights: bool,
) -> None:  # fmt: skip
    tall = rim - low
    y0, y1 = low + 0.5 * tall, low + 0.82 * tall
    lamps = [(-0.95, -0.6, y0, y1, z), (0.6, 0.95, y0, y1, z)]
    glow = GLOW if lights else 0
    if end > 0:
        body.across(half, lamps, (250, 246, 225), texture=glow)
        grille = (-0.5, 0.5, low + 0.42 * tall, low + 0.75 * tall, z)
        body.across(half, [grille], (30, 30, 34))
    else:
        body.across(half, lamps, (200, 30, 25), texture=glow)
    plate = (-0.27, 0.27, low + 0.18 * tall, low + 0.36 * tall, z)
    body.across(half, [plate], rng.pick(((235, 235, 225), (240, 205, 60))))
    body.across(half, [(-1.0, 1.0, low, low + 0.14 * tall, z)], (42, 42, 46))
    tyres = [(-0.95, -0.65, 0.0, low, z), (0.65, 0.95, 0.0, low, z)]
    body.across(half, tyres, RUBBER, flags=BOTH)
