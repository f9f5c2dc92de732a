"""Cars and buses as boxes in perspective, seen from any side."""

from __future__ import annotations

import math

import numpy as np

from ..drawing import BOTH, GLOW, IMAGE, DisplayList, Points, Texture
from ..palette import Colour, mix, paint_of, pick_colour, shade
from ..randomness import Dice

GLASS: Colour = (38, 46, 56)
RUBBER: Colour = (24, 24, 26)

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
_RIM = np.array([(math.cos(t), math.sin(t)) for t in np.arange(12) * (math.pi / 6)])


class Body:
    """Places points of a vehicle (right, up, forward from its middle) in the frame."""

    def __init__(self, scene: DisplayList, x: float, depth: float, yaw: float) -> None:
        """Stand at (x, depth) metres; `yaw` 0 shows the rear, pi the front, +-pi/2 a side."""
        cos, sin = math.cos(yaw), math.sin(yaw)
        self.scene = scene
        self.turn = np.array([(cos, 0.0, -sin), (0.0, 1.0, 0.0), (sin, 0.0, cos)])
        self.base = np.array([x, 0.0, depth])
        self.eye = self.turn @ (np.array([0.0, scene.camera.height, 0.0]) - self.base)

    def at(self, points: Points | list[tuple[float, float, float]]) -> Points:
        """Vehicle coordinates (..., 3) to frame coordinates (..., 2)."""
        return self.scene.camera.project(np.asarray(points) @ self.turn + self.base)


def _side(body: Body, width: float) -> float:
    """+1 or -1: which side shows (0 when neither does)."""
    if body.eye[0] > width / 2:
        return 1.0
    return -1.0 if body.eye[0] < -width / 2 else 0.0


def _end(body: Body, length: float) -> float:
    """+1 the front shows, -1 the rear, 0 neither."""
    if body.eye[2] > length / 2:
        return 1.0
    return -1.0 if body.eye[2] < -length / 2 else 0.0


def _shadow(body: Body, length: float, width: float) -> None:
    w, z = width / 2 * 1.08, length / 2 * 1.04
    foot = body.at([(-w, 0, -z), (w, 0, -z), (w, 0, z), (-w, 0, z)])
    body.scene.blend(foot, (8, 8, 12), 0.55)


def _wheels(
    body: Body, thing: int, side: float, width: float, centres: list[float], radius: float,
    hub: Colour,
) -> None:  # fmt: skip
    x = side * width / 2
    for z in centres:
        rim = np.empty((12, 3))
        rim[:, 0] = x
        rim[:, 1] = radius + _RIM[:, 0] * radius
        rim[:, 2] = z + _RIM[:, 1] * radius
        body.scene.fill(body.at(rim), RUBBER, thing)
        rim[:, 1] = radius + _RIM[:, 0] * radius * 0.58
        rim[:, 2] = z + _RIM[:, 1] * radius * 0.58
        body.scene.fill(body.at(rim), hub, thing, flags=IMAGE)


def _across(body: Body, half: float, spans: list[tuple[float, float, float, float, float]]) -> Points:
    """Quads on an end face: each span is (left, right, low, high, z), left/right in half widths."""
    corners = []
    for left, right, low, high, z in spans:
        corners += [
            (left * half, low, z),
            (right * half, low, z),
            (right * half, high, z),
            (left * half, high, z),
        ]
    return body.at(corners).reshape(-1, 4, 2)


def draw_car(
    scene: DisplayList,
    dice: Dice,
    x: float,
    depth: float,
    yaw: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    lights: bool = False,
) -> int:
    """A car that stands at (x, depth) metres. Returns its thing number."""
    name = colour or pick_colour(dice, "car")
    kind = dice.weighted(
        {"hatchback": 3, "saloon": 3, "estate": 2, "jeep": 1.5, "van": 1, "sports": 1}
    )
    (z0, z1, z2, z3), (belt, bonnet, boot) = _PROFILES[kind]
    length, width, height = (v * dice.uniform(0.93, 1.07) for v in _SIZES[kind])
    paint = paint_of(dice, name)
    thing = scene.thing("car", name, ground)
    body = Body(scene, x, depth, yaw)
    scene.at_depth(depth)
    _shadow(body, length, width)
    sun = dice.uniform(0.75, 1.0)
    side, end = _side(body, width), _end(body, length)
    low, half, nose = 0.2, width / 2, length / 2
    rise = height * belt
    gloss = scene.texture(Texture("metal", 90, 1.0, offset=(dice.roll(), dice.roll())))

    outline = [
        (-nose, low), (-nose * 1.0, height * boot), (z0 * length, rise), (z3 * length, rise),
        (nose * 0.96, height * bonnet), (nose, height * 0.42), (nose, low),
    ]  # fmt: skip
    top_light, end_light = 1.12, 0.86
    # bonnet and boot, as strips across
    for (za, ya), (zb, yb) in ((outline[1], outline[2]), (outline[3], outline[4])):
        strip = [(-half, ya, za), (half, ya, za), (half, yb, zb), (-half, yb, zb)]
        scene.fill(body.at(strip), shade(paint, top_light), thing, texture=gloss)
    if end:
        z = end * nose
        rim = height * (bonnet if end > 0 else boot)
        face = [(-half, low, z), (half, low, z), (half, rim, z), (-half, rim, z)]
        scene.fill(body.at(face), shade(paint, end_light * sun), thing, texture=gloss)
        _car_end(body, dice, thing, end, half, z, low, rim, lights)
    if side:
        flank = [(side * half, y, z) for z, y in outline]
        scene.fill(body.at(flank), shade(paint, sun), thing, texture=gloss)
        seam = [(side * half, low + 0.05, -0.02 * length), (side * half, rise, -0.02 * length)]
        handle = [(side * half, rise * 0.86, z) for z in (-0.08 * length, -0.04 * length)]
        dark = shade(paint, 0.55)
        scene.lines([body.at(seam), body.at(handle)], 0.002, dark, thing)
        sill = [(side * half, y, z) for y, z in
                ((low, -nose), (low + 0.12, -nose), (low + 0.12, nose), (low, nose))]  # fmt: skip
        scene.fill(body.at(sill), shade(paint, 0.4), thing, flags=IMAGE)
    _cabin(body, thing, paint, sun, side, end, half, height, rise,
           [z * length for z in (z0, z1, z2, z3)], kind)  # fmt: skip
    if side:
        hub = dice.pick(((150, 152, 156), (95, 97, 100), (185, 186, 190)))
        _wheels(body, thing, side, width, [-0.31 * length, 0.32 * length], 0.32, hub)
    return thing


def _cabin(
    body: Body, thing: int, paint: Colour, sun: float, side: float, end: float,
    half: float, height: float, rise: float, zs: list[float], kind: str,
) -> None:  # fmt: skip
    z0, z1, z2, z3 = zs
    top = half * (0.94 if kind == "van" else 0.8)
    scene = body.scene
    glass = mix(GLASS, (120, 140, 160), 0.25)
    if end:
        zb, zt = (z3, z2) if end > 0 else (z0, z1)
        pane = [(-half * 0.97, rise, zb), (half * 0.97, rise, zb), (top, height, zt), (-top, height, zt)]
        points = body.at(pane)
        scene.fill(points, shade(paint, 0.7), thing)
        scene.fill((points - points.mean(0)) * 0.86 + points.mean(0), glass, thing, flags=IMAGE)
    if side:
        s = side
        flank = body.at([(s * half, rise, z0), (s * half, rise, z3), (s * top, height, z2), (s * top, height, z1)])
        scene.fill(flank, shade(paint, sun * 0.92), thing)

        def pane_at(u0: float, u1: float) -> Points:
            a = flank[0] * (1 - u0) + flank[1] * u0
            b = flank[0] * (1 - u1) + flank[1] * u1
            c = flank[3] * (1 - u1) + flank[2] * u1
            d = flank[3] * (1 - u0) + flank[2] * u0
            return np.array([a * 0.93 + d * 0.07, b * 0.93 + c * 0.07, b * 0.14 + c * 0.86, a * 0.14 + d * 0.86])

        first = 0.42 if kind == "van" else 0.07
        panes = np.array([pane_at(first, 0.5), pane_at(0.55, 0.93)])
        if kind == "van":
            panes = panes[1:]
        scene.fills(panes, mix(GLASS, (90, 110, 130), 0.2), thing)
    roof = body.at([(-top, height, z1), (top, height, z1), (top, height, z2), (-top, height, z2)])
    if scene.camera.height > height:
        scene.fill(roof, shade(paint, 1.15), thing)
    else:
        scene.lines([np.vstack([roof, roof[:1]])], 0.003, shade(paint, 1.0), thing, flags=BOTH)


def _car_end(
    body: Body, dice: Dice, thing: int, end: float, half: float, z: float, low: float, rim: float,
    lights: bool,
) -> None:  # fmt: skip
    scene = body.scene
    tall = rim - low
    y0, y1 = low + 0.5 * tall, low + 0.82 * tall
    lamps = _across(body, half, [(-0.95, -0.6, y0, y1, z), (0.6, 0.95, y0, y1, z)])
    glow = GLOW if lights else 0
    if end > 0:
        scene.fills(lamps, (250, 246, 225), thing, texture=glow)
        grille = _across(body, half, [(-0.5, 0.5, low + 0.42 * tall, low + 0.75 * tall, z)])
        scene.fills(grille, (30, 30, 34), thing)
    else:
        scene.fills(lamps, (200, 30, 25), thing, texture=glow)
    plate = _across(body, half, [(-0.27, 0.27, low + 0.18 * tall, low + 0.36 * tall, z)])
    scene.fills(plate, dice.pick(((235, 235, 225), (240, 205, 60))), thing)
    bumper = _across(body, half, [(-1.0, 1.0, low, low + 0.14 * tall, z)])
    scene.fills(bumper, (42, 42, 46), thing)
    tyres = _across(body, half, [(-0.95, -0.65, 0, low, z), (0.65, 0.95, 0, low, z)])
    scene.fills(tyres, RUBBER, thing, flags=BOTH)


def draw_bus(
    scene: DisplayList,
    dice: Dice,
    x: float,
    depth: float,
    yaw: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    lights: bool = False,
) -> int:
    """A bus or double-decker that stands at (x, depth) metres. Returns its thing number."""
    name = colour or pick_colour(dice, "bus")
    double = dice.chance(0.3)
    length, width = dice.uniform(8.5, 12.0), 2.5
    height = 4.3 if double else dice.uniform(2.9, 3.2)
    paint = paint_of(dice, name)
    thing = scene.thing("bus", name, ground)
    body = Body(scene, x, depth, yaw)
    scene.at_depth(depth)
    _shadow(body, length, width)
    side, end = _side(body, width), _end(body, length)
    half, nose, low = width / 2, length / 2, 0.3
    sun = dice.uniform(0.75, 1.0)
    gloss = scene.texture(Texture("metal", 90, 0.9, offset=(dice.roll(), dice.roll())))
    glass = mix(GLASS, (140, 160, 175), dice.uniform(0.0, 0.5))
    lit = GLOW if lights and dice.chance(0.7) else 0
    if lit:
        glass = (225, 205, 140)
    if scene.camera.height > height:
        roof = [(-half, height, -nose), (half, height, -nose), (half, height, nose), (-half, height, nose)]
        scene.fill(body.at(roof), shade(paint, 1.15), thing)
    if end:
        z = end * nose
        face = [(-half, low, z), (half, low, z), (half, height, z), (-half, height, z)]
        scene.fill(body.at(face), shade(paint, 0.88 * sun), thing, texture=gloss)
        _bus_end(body, thing, end, half, z, height, double, glass, lit)
    if side:
        xs = side * half
        flank = [(xs, low, -nose), (xs, low, nose), (xs, height, nose), (xs, height, -nose)]
        scene.fill(body.at(flank), shade(paint, sun), thing, texture=gloss)
        rows = [(1.45, 2.25), (2.95, 3.75)] if double else [(0.46 * height, 0.82 * height)]
        count = dice.integer(5, 8)
        panes = []
        for y0, y1 in rows:
            for n in range(count):
                za = -nose + length * (0.04 + 0.92 * n / count)
                zb = za + length * 0.92 / count * 0.86
                panes += [(xs, y0, za), (xs, y0, zb), (xs, y1, zb), (xs, y1, za)]
        scene.fills(body.at(panes).reshape(-1, 4, 2), glass, thing, texture=lit)
        if dice.chance(0.6):
            stripe = dice.pick(((235, 235, 235), (30, 30, 34), shade(paint, 0.5)))
            band = [(xs, 0.95, -nose), (xs, 0.95, nose), (xs, 1.12, nose), (xs, 1.12, -nose)]
            scene.fill(body.at(band), stripe, thing, flags=IMAGE)
        door_z = nose - length * 0.12
        door = [(xs, low + 0.05, door_z), (xs, low + 0.05, door_z + 1.0), (xs, 2.25, door_z + 1.0), (xs, 2.25, door_z)]
        scene.fill(body.at(door), mix(GLASS, paint, 0.15), thing, flags=IMAGE)
        _wheels(body, thing, side, width, [-0.28 * length, 0.3 * length], 0.48, (120, 120, 124))
    return thing


def _bus_end(
    body: Body, thing: int, end: float, half: float, z: float, height: float, double: bool,
    glass: Colour, lit: int,
) -> None:  # fmt: skip
    scene = body.scene
    upper = [(-0.88, 0.88, 2.9, 3.8, z)] if double else []
    pane_top = 2.35 if double else height * 0.82
    low_edge = 1.15 if end > 0 else 1.5
    spans = [(-0.9, 0.9, low_edge, pane_top, z), *upper]
    scene.fills(_across(body, half, spans), glass, thing, texture=lit)
    if end > 0:
        board = _across(body, half, [(-0.6, 0.6, pane_top + 0.06, pane_top + 0.34, z)])
        scene.fills(board, (250, 190, 60), thing, texture=GLOW)
    lamp = (250, 246, 225) if end > 0 else (200, 30, 25)
    lamps = _across(body, half, [(-0.92, -0.66, 0.6, 0.85, z), (0.66, 0.92, 0.6, 0.85, z)])
    scene.fills(lamps, lamp, thing)
    skirt = _across(body, half, [(-1.0, 1.0, 0.3, 0.48, z)])
    scene.fills(skirt, (40, 40, 44), thing)
    tyres = _across(body, half, [(-0.95, -0.7, 0, 0.32, z), (0.7, 0.95, 0, 0.32, z)])
    scene.fills(tyres, RUBBER, thing, flags=BOTH)
