"""Cars as a real street has them: rounded, mostly black, grey or white, and mirroring the sky.

:mod:`.car` draws a car of flat faces in one paint, which is what evaluation shows. Lessons that
ask for it (``Lesson.polished``) mix these in: a black car in the shade has nearly the color of the
road before it, and bonnet and windows are as bright as the sky.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from training.data.streetworld.drawing import BOTH, GLOW, IMAGE, DisplayList
from training.data.streetworld.objects.vehicle import (
    GLASS,
    RUBBER,
    Body,
    Corner,
    draw_wheels,
    end_shown,
    side_shown,
    stand_vehicle,
)
from training.data.streetworld.palette import Color, mix, paint_of, shade
from training.data.streetworld.rng import Rng

# How often a car of a real street wears each color.
SOBER_COLORS: dict[str, float] = {
    "black": 5, "grey": 6, "white": 2, "blue": 2, "red": 1.5, "green": 0.5, "brown": 0.3,
}  # fmt: skip

# Length, width and height in metres.
_SIZES: dict[str, tuple[float, float, float]] = {
    "small": (3.6, 1.65, 1.42),
    "hatchback": (4.0, 1.75, 1.48),
    "saloon": (4.6, 1.8, 1.44),
    "estate": (4.7, 1.8, 1.5),
    "jeep": (4.5, 1.85, 1.75),
    "van": (5.0, 1.95, 2.05),
    "coupe": (4.3, 1.8, 1.28),
}

# Profiles from rear bumper over the roof to front bumper, as (length, height) shares; two indices
# say where the rear window and where the windscreen begin, each one segment long.
_Profile = tuple[tuple[float, float], ...]
_PROFILES: dict[str, tuple[_Profile, int, int]] = {
    "small": (
        ((-.5, .2), (-.49, .5), (-.46, .64), (-.38, .97), (.06, 1), (.24, .66), (.44, .58),
         (.5, .42), (.5, .2)), 2, 4,
    ),
    "hatchback": (
        ((-.5, .2), (-.5, .48), (-.46, .64), (-.36, .97), (.04, 1), (.26, .63), (.45, .52),
         (.5, .36), (.5, .2)), 2, 4,
    ),
    "saloon": (
        ((-.5, .2), (-.5, .5), (-.47, .62), (-.34, .65), (-.2, .97), (.06, 1), (.24, .64),
         (.45, .53), (.5, .36), (.5, .2)), 3, 5,
    ),
    "estate": (
        ((-.5, .2), (-.5, .5), (-.48, .63), (-.43, .97), (.06, 1), (.24, .63), (.45, .53),
         (.5, .36), (.5, .2)), 2, 4,
    ),
    "jeep": (
        ((-.5, .2), (-.5, .5), (-.49, .62), (-.45, .98), (.08, 1), (.2, .63), (.46, .58),
         (.5, .4), (.5, .2)), 2, 4,
    ),
    "van": (
        ((-.5, .15), (-.5, .5), (-.495, .56), (-.48, .98), (.24, 1), (.4, .56), (.49, .46),
         (.5, .3), (.5, .15)), 2, 4,
    ),
    "coupe": (
        ((-.5, .2), (-.5, .52), (-.46, .66), (-.36, .68), (-.14, .97), (.02, 1), (.22, .66),
         (.42, .55), (.5, .38), (.5, .2)), 3, 5,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Shell:
    """A car's surface: how wide it is at each place, and what color it has there."""

    half: float
    length: float
    height: float
    belt: float
    """Height of the lower edge of the windows, as a share."""
    paint: Color
    sky: Color
    mirror: float
    """How much of the sky a face that looks up shows, 0 to 1."""
    light: float

    def width_at(self, along: float, up: float) -> float:
        """Half the width in metres at shares of length and height."""
        tapered = 1 - 0.14 * min(abs(along) / 0.5, 1.0) ** 5
        above = max(up - self.belt, 0.0) / (1 - self.belt)
        return self.half * tapered * (1 - 0.22 * above)

    def corner(self, side: float, along: float, up: float) -> Corner:
        return side * self.width_at(along, up), up * self.height, along * self.length

    def lit(self, upward: float, color: Color | None = None) -> Color:
        """What a face shows that looks up by so much: 1 the roof, 0 a door, -1 the sill."""
        own = shade(color or self.paint, self.light * (0.72 + 0.42 * upward))
        return mix(own, self.sky, self.mirror * max(upward, 0.0))


def draw_polished_car(
    scene: DisplayList, rng: Rng, x: float, depth: float, yaw: float, *, ground: str | None = None,
    color: str | None = None, lights: bool = False,
) -> int:  # fmt: skip
    """A car that stands at (x, depth) metres. Returns its thing number."""
    name = color or rng.weighted(SOBER_COLORS)
    kind = rng.weighted(
        {"small": 2, "hatchback": 3, "saloon": 3, "estate": 2, "jeep": 1, "van": 1, "coupe": 1}
    )
    length, width, height = (v * rng.uniform(0.94, 1.06) for v in _SIZES[kind])
    profile, rear_glass, front_glass = _PROFILES[kind]
    body = stand_vehicle(scene, "car", name, ground, x, depth, yaw)
    shell = _Shell(
        half=width / 2,
        length=length,
        height=height,
        belt=profile[front_glass + 1][1],
        paint=_paint(rng, name),
        # As bright as the sky is, however dark the street below it.
        sky=shade(mix(scene.haze_color, (235, 240, 245), rng.uniform(0.1, 0.7)),
                  rng.uniform(0.5, 1.0) / scene.dim),
        mirror=rng.uniform(0.2, 0.9),
        light=rng.uniform(0.7, 1.05),
    )  # fmt: skip
    _shadow(body, rng, length, width)
    side, end = side_shown(body, width), end_shown(body, length)
    glints = rng.uniform(0.0, 0.8), rng.uniform(0.0, 0.5)
    stripes = kind == "small" and rng.chance(0.3)
    _skin(body, shell, profile, (rear_glass, front_glass), glints[0], stripes)
    if end:
        _end(body, rng, shell, end, lights)
    if side:
        _flank(body, rng, shell, side, profile, (rear_glass, front_glass), glints[1])
    body.flush()
    return body.thing


def _paint(rng: Rng, name: str) -> Color:
    """Its paint: grey ones are often the silver that a person calls grey."""
    color = paint_of(rng, name)
    if name == "grey":
        return shade(color, rng.uniform(0.7, 1.4))
    return shade(color, rng.uniform(0.55, 1.0)) if name in ("blue", "red", "green") else color


def _shadow(body: Body, rng: Rng, length: float, width: float) -> None:
    """The dark below: nearly black between the wheels, faint around them under a dull sky."""
    faint = rng.uniform(0.0, 0.5)
    for spread, alpha in ((rng.uniform(1.05, 1.3), faint), (0.92, rng.uniform(0.5, 0.85))):
        w, z = width / 2 * spread, length / 2 * (1 + (spread - 1) * 0.5)
        foot = body.at([(-w, 0, -z), (w, 0, -z), (w, 0, z), (-w, 0, z)])
        body.scene.blend(foot, (6, 6, 9), alpha)


def _skin(
    body: Body, shell: _Shell, profile: _Profile, glass: tuple[int, int],
    glint: float, stripes: bool,
) -> None:  # fmt: skip
    """Every strip across the car that looks at the camera, far ones first."""
    eye = body.eye_ahead / shell.length, body.scene.camera.height / shell.height
    strips = []
    for n, ((z0, y0), (z1, y1)) in enumerate(pairwise(profile)):
        # Outward, in metres: the profile goes from the rear over the roof to the front.
        out_z, out_y = (y0 - y1) * shell.height, (z1 - z0) * shell.length
        to_eye = (eye[0] - (z0 + z1) / 2) * shell.length, (eye[1] - (y0 + y1) / 2) * shell.height
        if out_z * to_eye[0] + out_y * to_eye[1] > 0:
            upward = out_y / math.hypot(out_z, out_y)
            strips.append((-math.hypot(*to_eye), n, (z0, y0), (z1, y1), upward))
    for _, n, low, high, upward in sorted(strips):
        first, last = shell.lit(upward), shell.lit(upward * 0.85)
        middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
        for (a, b), paint in (((low, middle), first), ((middle, high), last)):
            body.face(_across(shell, a, b, 1.0), paint)
        if n in glass:
            body.face(_across(shell, _between(low, high, 0.1), _between(low, high, 0.92), 0.9),
                      mix(GLASS, shell.sky, glint * 0.4), flags=IMAGE)  # fmt: skip
            body.face(_across(shell, _between(low, high, 0.5), _between(low, high, 0.9), 0.86),
                      mix(GLASS, shell.sky, glint), flags=IMAGE)  # fmt: skip
        elif stripes and upward > 0.5:
            for left, right in ((-0.35, -0.15), (0.15, 0.35)):
                corners = [
                    shell.corner(share, *place)
                    for share, place in ((left, low), (right, low), (right, high), (left, high))
                ]
                body.face(corners, shell.lit(upward, (225, 225, 222)), flags=IMAGE)
    body.flush()


def _between(
    first: tuple[float, float], last: tuple[float, float], share: float
) -> tuple[float, float]:
    return (first[0] + (last[0] - first[0]) * share, first[1] + (last[1] - first[1]) * share)


def _reach(profile: _Profile, up: float) -> tuple[float, float]:
    """Where a profile begins and ends at a height, as shares of the length."""
    at_height = [
        z0 + (z1 - z0) * (up - y0) / (y1 - y0)
        for (z0, y0), (z1, y1) in pairwise(profile)
        if y0 != y1 and min(y0, y1) <= up <= max(y0, y1)
    ]
    return min(at_height), max(at_height)


def _across(
    shell: _Shell, low: tuple[float, float], high: tuple[float, float], share: float
) -> list[Corner]:
    return [
        shell.corner(-share, *low), shell.corner(share, *low),
        shell.corner(share, *high), shell.corner(-share, *high),
    ]  # fmt: skip


def _end(body: Body, rng: Rng, shell: _Shell, end: float, lights: bool) -> None:
    """Lamps, grille, plate and what is below them."""
    along = 0.5 * end
    up = shell.belt * 0.95

    def spot(left: float, right: float, low: float, high: float, paint: Color, glow: int = 0,
             flags: int = IMAGE) -> None:  # fmt: skip
        corners = [(left, low), (right, low), (right, high), (left, high)]
        body.face([shell.corner(s, along, y) for s, y in corners], paint, texture=glow, flags=flags)

    spot(-0.98, 0.98, 0.2, 0.2 + (up - 0.2) * 0.25, shade(shell.paint, rng.uniform(0.25, 0.9)))
    spot(-0.9, 0.9, 0.07, 0.23, (16, 16, 18), flags=BOTH)
    glow = GLOW if lights else 0
    lamp = rng.pick(((246, 243, 228), (200, 206, 212), (150, 156, 164)))
    if end < 0:
        lamp = rng.pick(((200, 30, 25), (140, 25, 25), (90, 20, 22)))
    reach, low = rng.uniform(0.22, 0.42), 0.2 + (up - 0.2) * rng.uniform(0.45, 0.62)
    for left, right in ((-0.97, -0.97 + reach), (0.97 - reach, 0.97)):
        spot(left, right, low, low + (up - 0.2) * rng.uniform(0.18, 0.3), lamp, glow)
    if end > 0:
        wide = rng.uniform(0.3, 0.6)
        spot(-wide, wide, low - 0.02, low + (up - 0.2) * 0.2, (28, 28, 32))
        spot(-0.5, 0.5, 0.24, 0.24 + (up - 0.2) * 0.2, (24, 24, 27))
    plate = rng.pick(((225, 225, 215), (225, 195, 70), (180, 180, 175)))
    spot(-0.26, 0.26, 0.2 + (up - 0.2) * 0.2, 0.2 + (up - 0.2) * 0.38, plate)
    for left, right in ((-0.98, -0.72), (0.72, 0.98)):
        spot(left, right, 0.0, 0.22, RUBBER, flags=BOTH)
    body.flush()


def _flank(
    body: Body, rng: Rng, shell: _Shell, side: float,
    profile: _Profile, glass: tuple[int, int], glint: float,
) -> None:  # fmt: skip
    """The side that shows: doors that mirror the street, windows, arches and wheels."""
    body.face([shell.corner(side, z, y) for z, y in profile], shell.lit(0.15))
    base, belt = profile[0][1], shell.belt
    tall = belt - base

    def band(low: float, high: float, paint: Color) -> None:
        (rear_low, front_low), (rear_high, front_high) = _reach(profile, low), _reach(profile, high)
        corners = [(rear_low, low), (front_low, low), (front_high, high), (rear_high, high)]
        body.face([shell.corner(side, z, y) for z, y in corners], paint, flags=IMAGE)

    band(base, base + tall * 0.35, shell.lit(-0.6))
    band(base + tall * 0.35, base + tall * 0.62, shell.lit(-0.15))
    if rng.chance(0.6):
        bright = mix(shell.lit(0.3), shell.sky, shell.mirror * rng.uniform(0.2, 0.7))
        band(base + tall * 0.78, base + tall * 0.92, bright)
    band(base, base + tall * 0.1, (24, 24, 26))
    rear, front = glass
    (z0, _), (z1, y1) = profile[rear], profile[rear + 1]
    (z2, y2), (z3, _) = profile[front], profile[front + 1]
    panes = ((0.07, 0.49), (0.54, 0.95))
    for first, last in panes:
        corners = [
            (z0 + (z3 - z0) * first, belt + 0.02), (z0 + (z3 - z0) * last, belt + 0.02),
            (z1 + (z2 - z1) * last, y2 - 0.06), (z1 + (z2 - z1) * first, y1 - 0.06),
        ]  # fmt: skip
        body.face([shell.corner(side, z, y) for z, y in corners], mix(GLASS, shell.sky, glint),
                  flags=IMAGE)  # fmt: skip
    hub = shade(rng.pick(((150, 152, 156), (95, 97, 100), (185, 186, 190))), shell.light)
    centres = [-0.31 * shell.length, 0.32 * shell.length]
    for z in centres:
        rim = [
            (
                side * shell.half * 0.99,
                max(0.3 + 0.4 * math.cos(turn), 0.2),
                z + 0.4 * math.sin(turn),
            )
            for turn in (n * math.pi / 6 for n in range(12))
        ]
        body.face(rim, (18, 18, 20), flags=IMAGE)
    draw_wheels(body, side, shell.half * 1.96, centres, 0.31, hub)
    body.flush()
