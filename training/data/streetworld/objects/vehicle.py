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
_RIM = [(math.cos(n * (math.pi / 6)), math.sin(n * (math.pi / 6))) for n in range(12)]


Corner = tuple[float, float, float]


class Body:
    """Places points of a vehicle (right, up, forward from its middle) in the frame."""

    def __init__(
        self, scene: DisplayList, thing: int, x: float, depth: float, yaw: float
    ) -> None:
        """Stand at (x, depth) metres; `yaw` 0 shows the rear, pi the front, +-pi/2 a side."""
        self.scene, self.thing = scene, thing
        self.x, self.depth = x, depth
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)
        # where the camera is, seen from the vehicle: to its right, and ahead of it
        self.eye_right = -x * self.cos + depth * self.sin
        self.eye_ahead = -x * self.sin - depth * self.cos
        self.corners: list[Corner] = []
        self.queue: list[tuple[int, int, Colour, int, int]] = []

    def at(self, points: Points | list[Corner]) -> Points:
        """Vehicle coordinates (n, 3) to frame coordinates (n, 2)."""
        array = np.asarray(points)
        right, ahead = array[:, 0], array[:, 2]
        placed = np.empty(array.shape)
        placed[:, 0] = right * self.cos + ahead * self.sin + self.x
        placed[:, 1] = array[:, 1]
        placed[:, 2] = ahead * self.cos - right * self.sin + self.depth
        return self.scene.camera.project(placed)

    def face(
        self, corners: list[Corner], colour: Colour, *, texture: int = 0, flags: int = BOTH,
        each: int = 0,
    ) -> None:  # fmt: skip
        """Queues polygons of `each` corners (0: one polygon of all), to be projected together."""
        self.corners += corners
        self.queue.append((len(corners), each or len(corners), colour, texture, flags))

    def across(
        self, half: float, spans: list[tuple[float, float, float, float, float]], colour: Colour,
        *, texture: int = 0, flags: int = IMAGE,
    ) -> None:  # fmt: skip
        """Queues quads on an end: spans are (left, right, low, high, z), sides in half widths."""
        corners = []
        for left, right, low, high, z in spans:
            a, b = left * half, right * half
            corners += [(a, low, z), (b, low, z), (b, high, z), (a, high, z)]
        self.face(corners, colour, texture=texture, flags=flags, each=4)

    def flush(self) -> None:
        """Projects what is queued and hands it to the display list."""
        if not self.queue:
            return
        placed, first = self.at(self.corners), 0
        for count, each, colour, texture, flags in self.queue:
            mine = placed[first : first + count]
            first += count
            self.scene.polygons(mine, each, colour, self.thing, texture=texture, flags=flags)
        self.corners, self.queue = [], []


def _side(body: Body, width: float) -> float:
    """+1 or -1: which side shows (0 when neither does)."""
    if body.eye_right > width / 2:
        return 1.0
    return -1.0 if body.eye_right < -width / 2 else 0.0


def _end(body: Body, length: float) -> float:
    """+1 the front shows, -1 the rear, 0 neither."""
    if body.eye_ahead > length / 2:
        return 1.0
    return -1.0 if body.eye_ahead < -length / 2 else 0.0


def _shadow(body: Body, length: float, width: float) -> None:
    w, z = width / 2 * 1.08, length / 2 * 1.04
    foot = body.at([(-w, 0, -z), (w, 0, -z), (w, 0, z), (-w, 0, z)])
    body.scene.blend(foot, (8, 8, 12), 0.55)


def _wheels(
    body: Body, side: float, width: float, centres: list[float], radius: float, hub: Colour
) -> None:
    x = side * width / 2
    for z in centres:
        rim = [(x, radius + up * radius, z + along * radius) for up, along in _RIM]
        body.face(rim, RUBBER)
        hubcap = [(x, radius + up * radius * 0.58, z + along * radius * 0.58) for up, along in _RIM]
        body.face(hubcap, hub, flags=IMAGE)


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
    cabin, (belt, bonnet, boot) = _PROFILES[kind]
    z0, z3 = cabin[0], cabin[3]
    length, width, height = (v * dice.uniform(0.93, 1.07) for v in _SIZES[kind])
    paint = paint_of(dice, name)
    thing = scene.thing("car", name, ground)
    body = Body(scene, thing, x, depth, yaw)
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
    for (za, ya), (zb, yb) in ((outline[1], outline[2]), (outline[3], (nose, height * bonnet))):
        strip = [(-half, ya, za), (half, ya, za), (half, yb, zb), (-half, yb, zb)]
        body.face(strip, shade(paint, top_light), texture=gloss)
    if end:
        z = end * nose
        rim = height * (bonnet if end > 0 else boot)
        face = [(-half, low, z), (half, low, z), (half, rim, z), (-half, rim, z)]
        body.face(face, shade(paint, end_light * sun), texture=gloss)
        _car_end(body, dice, end, half, z, low, rim, lights)
    if side:
        flank = [(side * half, y, z) for z, y in outline]
        body.face(flank, shade(paint, sun), texture=gloss)
        body.flush()
        seam = [(side * half, low + 0.05, -0.02 * length), (side * half, rise, -0.02 * length)]
        handle = [(side * half, rise * 0.86, z) for z in (-0.08 * length, -0.04 * length)]
        both = body.at(seam + handle)
        scene.lines([both[:2], both[2:]], 0.002, shade(paint, 0.55), thing)
        sill = [
            (side * half, y, z)
            for y, z in ((low, -nose), (low + 0.12, -nose), (low + 0.12, nose), (low, nose))
        ]
        body.face(sill, shade(paint, 0.4), flags=IMAGE)
    _cabin(body, paint, sun, side, end, half, height, rise, [z * length for z in cabin], kind)
    if side:
        hub = dice.pick(((150, 152, 156), (95, 97, 100), (185, 186, 190)))
        _wheels(body, side, width, [-0.31 * length, 0.32 * length], 0.32, hub)
    body.flush()
    return thing


def _cabin(
    body: Body, paint: Colour, sun: float, side: float, end: float,
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
        flank = body.at([(base, rise, z0), (base, rise, z3), (roof, height, z2), (roof, height, z1)])
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
    body: Body, dice: Dice, end: float, half: float, z: float, low: float, rim: float,
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
    body.across(half, [plate], dice.pick(((235, 235, 225), (240, 205, 60))))
    body.across(half, [(-1.0, 1.0, low, low + 0.14 * tall, z)], (42, 42, 46))
    tyres = [(-0.95, -0.65, 0.0, low, z), (0.65, 0.95, 0.0, low, z)]
    body.across(half, tyres, RUBBER, flags=BOTH)


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
    body = Body(scene, thing, x, depth, yaw)
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
        body.face(roof, shade(paint, 1.15))
    if end:
        z = end * nose
        face = [(-half, low, z), (half, low, z), (half, height, z), (-half, height, z)]
        body.face(face, shade(paint, 0.88 * sun), texture=gloss)
        _bus_end(body, end, half, z, height, double, glass, lit)
    if side:
        xs = side * half
        flank = [(xs, low, -nose), (xs, low, nose), (xs, height, nose), (xs, height, -nose)]
        body.face(flank, shade(paint, sun), texture=gloss)
        rows = [(1.45, 2.25), (2.95, 3.75)] if double else [(0.46 * height, 0.82 * height)]
        count = dice.integer(5, 8)
        panes: list[Corner] = []
        for y0, y1 in rows:
            for n in range(count):
                za = -nose + length * (0.04 + 0.92 * n / count)
                zb = za + length * 0.92 / count * 0.86
                panes += [(xs, y0, za), (xs, y0, zb), (xs, y1, zb), (xs, y1, za)]
        body.face(panes, glass, texture=lit, flags=IMAGE, each=4)
        if dice.chance(0.6):
            stripe = dice.pick(((235, 235, 235), (30, 30, 34), shade(paint, 0.5)))
            band = [(xs, 0.95, -nose), (xs, 0.95, nose), (xs, 1.12, nose), (xs, 1.12, -nose)]
            body.face(band, stripe, flags=IMAGE)
        door_z = nose - length * 0.12
        door = [(xs, low + 0.05, door_z), (xs, low + 0.05, door_z + 1.0), (xs, 2.25, door_z + 1.0), (xs, 2.25, door_z)]
        body.face(door, mix(GLASS, paint, 0.15), flags=IMAGE)
        _wheels(body, side, width, [-0.28 * length, 0.3 * length], 0.48, (120, 120, 124))
    body.flush()
    return thing


def _bus_end(
    body: Body, end: float, half: float, z: float, height: float, double: bool, glass: Colour,
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
