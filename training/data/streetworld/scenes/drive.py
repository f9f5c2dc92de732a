"""A street as a camera behind a windscreen sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..drawing import Camera, DisplayList, Points
from ..objects.building import draw_building
from ..objects.ground import Ground, strip
from ..objects.heaven import draw_clouds, draw_sky, draw_sun
from ..objects.people import draw_bicyclist, draw_person
from ..objects.plant import draw_tree, draw_treeline
from ..objects.street import draw_fence, draw_plate, draw_pole, draw_sign, draw_signal
from ..objects.vehicle import draw_bus, draw_car
from ..palette import Colour, pick_colour
from ..randomness import Dice
from .weather import Weather


@dataclass
class Side:
    """One side of the street: what lies beside the road, outwards."""

    sign: float
    style: str  # street, houses, trees, open
    kerb: float  # metres from the middle to the kerb
    walk: float  # width of the pavement
    verge: float  # width of the grass behind it
    dim: float  # brightness of what stands there

    @property
    def wall(self) -> float:
        """Metres from the middle to where walls and fences stand."""
        return self.kerb + self.walk + self.verge


def _side(dice: Dice, sign: float, style: str) -> Side:
    walk = dice.uniform(1.5, 4.0) if style != "open" or dice.chance(0.3) else 0.0
    if style == "street" and dice.chance(0.06):
        walk = 0.4
    verge = 0.0 if style == "street" else dice.uniform(0.5, 5.0)
    lanes = dice.uniform(2.6, 4.2) if sign > 0 else dice.uniform(2.4, 6.5)
    return Side(sign, style, lanes, walk, verge, dice.uniform(0.35, 1.0) if dice.chance(0.4) else 1.0)


def compose_drive(scene: DisplayList, dice: Dice, weather: Weather) -> None:
    """Fills the display list with a street scene in perspective."""
    camera = Camera(
        focal=dice.uniform(0.85, 1.5), height=dice.uniform(1.2, 2.6), horizon=dice.uniform(0.26, 0.58),
        centre=dice.bell(0.0, 0.16),
    )  # fmt: skip
    scene.camera = camera
    scene.roll = dice.bell(0.0, 0.035) if dice.chance(0.6) else 0.0
    bend = dice.bell(0.0, 0.0016) if dice.chance(0.4) else 0.0
    styles = {"street": 4.0, "houses": 1.6, "trees": 2.6, "open": 1.2}
    sides = [_side(dice, s, dice.weighted(styles)) for s in (-1.0, 1.0)]
    _behind(scene, dice, weather, camera)
    _lay_ground(scene, dice, sides, bend)
    for side in sides:
        _line_side(scene, dice, side, bend, weather)
    if weather.time == "day" and dice.chance(0.5):
        _street_shadow(scene, dice, sides)
    _populate(scene, dice, sides, bend, weather)


def _behind(scene: DisplayList, dice: Dice, weather: Weather, camera: Camera) -> None:
    draw_sky(scene, dice, weather.sky, camera.horizon)
    if weather.time in ("day", "dusk") and weather.sky != "white" and dice.chance(0.15):
        draw_sun(scene, dice, weather.sky, dice.uniform(-0.5, 0.5), dice.uniform(0.03, camera.horizon * 0.8),
                 dice.uniform(0.04, 0.09))  # fmt: skip
    if dice.chance(0.3):
        draw_clouds(scene, dice, weather.sky, camera.horizon, dice.integer(1, 3))
    scene.soften(dice.uniform(0.004, 0.01))
    scene.dim = weather.shaded
    end = dice.weighted({"trees": 3, "walls": 3, "nothing": 1.5})
    scene.at_depth(90)
    if end == "trees":
        draw_treeline(scene, dice, -1.2, 1.2, camera.horizon + 0.012, dice.uniform(0.05, 0.2), bare=dice.chance(0.5))
    elif end == "walls":
        edge = -60.0
        while edge < 60:
            wide = dice.uniform(10, 30)
            draw_building(scene, dice, (edge, 80), (edge + wide, 80), dice.uniform(5, 18), shop=False, lit=weather.dark)
            edge += wide


def _lay_ground(scene: DisplayList, dice: Dice, sides: list[Side], bend: float) -> None:
    horizon = scene.camera.horizon
    grass = any(side.verge > 0 for side in sides)
    base = Ground(scene, dice, "grass" if grass else "pavement", dim=0.9)
    base.fill([(-3.0, horizon), (3.0, horizon), (3.0, 2.5), (-3.0, 2.5)])
    walk = Ground(scene, dice, "pavement")
    road = Ground(scene, dice, "road")
    kerb_paint = (dice.uniform(90, 190),) * 3
    for side in sides:
        s = side.sign
        if side.walk:
            walk.fill(strip(scene, s * side.kerb, s * (side.kerb + side.walk), 0.9, 120, bend))
    road.fill(strip(scene, -sides[0].kerb, sides[1].kerb, 0.9, 150, bend))
    for side in sides:
        if side.walk:
            s = side.sign
            edge = strip(scene, s * side.kerb, s * (side.kerb + 0.18), 0.9, 60, bend)
            scene.fill(edge, kerb_paint, walk.thing)
    _road_marks(scene, dice, road, sides, bend)


def _dashes(scene: DisplayList, x: float, wide: float, dash: float, gap: float, start: float, bend: float) -> Points:
    near = np.arange(1.2 + start, 46.0, dash + gap)
    corners = np.zeros((len(near), 4, 3))
    corners[:, :2, 2] = near[:, None]
    corners[:, 2:, 2] = near[:, None] + dash
    corners[:, :, 0] = np.array([x - wide / 2, x + wide / 2, x + wide / 2, x - wide / 2])
    corners[:, :, 0] += bend * corners[:, :, 2] ** 2
    return scene.camera.project(corners)


def _road_marks(scene: DisplayList, dice: Dice, road: Ground, sides: list[Side], bend: float) -> None:
    paint: Colour = dice.pick(((226, 226, 222), (200, 200, 196), (170, 170, 168), (214, 182, 84)))
    middle = (sides[1].kerb - sides[0].kerb) / 2
    if dice.chance(0.75):
        dash, gap = dice.uniform(1.0, 4.0), dice.uniform(1.0, 6.0)
        road.marks(_dashes(scene, middle, dice.uniform(0.1, 0.2), dash, gap, dice.uniform(0, 3), bend), paint)
    if dice.chance(0.35):
        yellow: Colour = dice.pick(((206, 176, 70), (222, 222, 216)))
        for side in sides:
            for inset in (0.3, 0.55) if dice.chance(0.6) else (0.35,):
                x = side.sign * (side.kerb - inset)
                line = strip(scene, x - 0.05, x + 0.05, 0.9, 50, bend)
                road.marks(line[None], yellow)
    if dice.chance(0.12):
        far = dice.uniform(5, 16)
        xs = np.arange(-sides[0].kerb + 0.3, sides[1].kerb - 0.6, 1.0)
        bars = np.array([strip(scene, x, x + 0.5, far, far + 2.6) for x in xs])
        road.marks(bars, (228, 228, 224))
    if dice.chance(0.25):
        far, wide = dice.uniform(3, 9), dice.uniform(1.0, 2.5)
        x = dice.uniform(-1.5, 1.0)
        patch = strip(scene, x, x + wide, far, far + dice.uniform(1, 6))
        scene.blend(patch, dice.pick(((20, 20, 24), (120, 60, 50), (150, 150, 150))), dice.uniform(0.15, 0.5))


def _line_side(scene: DisplayList, dice: Dice, side: Side, bend: float, weather: Weather) -> None:
    """Facades, or hedges and fences with trees, from far to near."""
    s = side.sign
    far = dice.uniform(55, 75)
    lean = (lambda z: bend * z * z)
    if side.style in ("street", "houses"):
        mean = dice.uniform(5, 14)
        back = side.wall + (0.0 if side.style == "street" else dice.uniform(1.0, 4.0))
        depth = far
        while depth > 1.0:
            wide = max(depth * 0.3, dice.uniform(4.0, 9.0))
            near = max(depth - wide, 0.6)
            tall = mean * dice.uniform(0.65, 1.35)
            start, end = (s * back + lean(depth), depth), (s * back + lean(near), near)
            draw_building(scene, dice, start, end, tall, lit=weather.dark, dim=side.dim,
                          shop=None if side.style == "street" else False,
                          roof=None if dice.chance(0.4) else "flat")  # fmt: skip
            if side.style == "street" and dice.chance(0.35):
                _hanging_sign(scene, dice, s * (back - 0.5) + lean(near), near, s)
            depth = near - (0.0 if side.style == "street" or dice.chance(0.5) else dice.uniform(1, 4))
    elif side.style == "trees" and dice.chance(0.75):
        if dice.chance(0.4):
            back = side.wall + 9.0
            draw_building(scene, dice, (s * back, far), (s * back, 4.0), dice.uniform(7, 14), lit=weather.dark,
                          dim=side.dim, shop=False)  # fmt: skip
        _park_edge(scene, dice, side, far, lean)
    if side.style != "street" and dice.chance(0.5):
        x = s * (side.wall if side.style != "open" else side.wall + 1)
        _split_fence(scene, dice, x, bend)


def _hanging_sign(scene: DisplayList, dice: Dice, x: float, depth: float, sign: float) -> None:
    """A plate that hangs out from a facade over the pavement."""
    camera, metre = scene.camera, scene.camera.focal / max(depth, 1.5)
    depth = max(depth, 1.5)
    y = camera.ground_y(depth) - metre * dice.uniform(2.8, 4.2)
    draw_plate(scene, dice, camera.centre + x * metre, y, metre * dice.uniform(0.25, 0.5))


def _park_edge(scene: DisplayList, dice: Dice, side: Side, far: float, lean: object) -> None:
    """A wood or hedge behind the pavement, as one band in perspective."""
    s, x = side.sign, side.sign * (side.wall + 2.0)
    tall, bare = dice.uniform(3, 11), dice.chance(0.55)
    camera = scene.camera
    thing = scene.thing("tree", None if bare else "green")
    paint: Colour = (112, 94, 78) if bare else (dice.uniform(40, 90), dice.uniform(80, 125), dice.uniform(30, 60))
    from ..drawing import Texture

    grain = scene.texture(Texture("twigs" if bare else "leaves", dice.uniform(60, 160), dice.uniform(0.9, 1.4),
                                  offset=(dice.roll(), dice.roll())))  # fmt: skip
    depths = np.geomspace(far, 0.9, 14)
    tops = np.array([(x, tall * dice.uniform(0.7, 1.2), z) for z in depths])
    feet = np.array([(x, 0.0, 0.9), (x, 0.0, far)])
    scene.at_depth(20)
    scene.fill(camera.project(np.vstack([tops, feet])), paint, thing, texture=grain)
    shade_tops = tops * (1.0, 0.4, 1.0)
    dark = (paint[0] * 0.65, paint[1] * 0.65, paint[2] * 0.65)
    scene.fill(camera.project(np.vstack([shade_tops, feet])), dark, thing, texture=grain)
    del s


def _split_fence(scene: DisplayList, dice: Dice, x: float, bend: float) -> None:
    colour = pick_colour(dice, "fence")
    kind = dice.weighted({"pickets": 2, "rails": 2, "iron": 3, "boards": 1})
    near, far = dice.uniform(1.0, 8.0), dice.uniform(14, 40)
    draw_fence(scene, dice, (x + bend * far * far, far), (x + bend * near * near, near), tall=dice.uniform(0.9, 2.0),
               colour=colour, kind=kind, ground="pavement")  # fmt: skip


def _street_shadow(scene: DisplayList, dice: Dice, sides: list[Side]) -> None:
    """The shade of one side's houses over the road."""
    side = dice.pick(sides)
    reach = dice.uniform(-0.8, 1.2) * side.kerb
    inner, outer = -side.sign * reach, side.sign * (side.wall + 0.1)
    shape = strip(scene, inner, outer, 0.9, 60)
    scene.blend(shape, (14, 16, 30), dice.uniform(0.25, 0.6))


def _populate(scene: DisplayList, dice: Dice, sides: list[Side], bend: float, weather: Weather) -> None:
    """Traffic, people and street furniture, far to near."""
    spots: list[tuple[float, float, str, Side | None]] = []
    for side in sides:
        s = side.sign
        if dice.chance(0.55):
            first = dice.uniform(4, 14)
            for n in range(dice.integer(1, 4)):
                spots.append((first + n * dice.uniform(5.5, 8), s * (side.kerb - 1.05), "parked", side))
        if side.walk > 1:
            for _ in range(dice.pick((0, 0, 1, 1, 2, 3))):
                spots.append((dice.uniform(3.5, 18), s * (side.kerb + side.walk * dice.uniform(0.15, 0.9)), "person", side))
        at_kerb = s * (side.kerb + min(side.walk * 0.15 + 0.2, 0.6))
        for noun, share in (("pole", 0.55), ("sign", 0.4), ("signal", 0.12)):
            if dice.chance(share):
                spots.append((dice.uniform(4, 20), at_kerb, noun, side))
        if side.style in ("trees", "open") or dice.chance(0.15):
            first = dice.uniform(5, 12)
            x = s * (side.kerb + side.walk * 0.3 if side.walk > 2 and dice.chance(0.4) else side.wall + 1.5)
            for n in range(dice.integer(1, 4)):
                spots.append((first + n * dice.uniform(5, 9), x, "tree", side))
    for _ in range(dice.pick((0, 0, 1, 1, 1, 2))):
        spots.append((dice.uniform(5, 22), dice.uniform(-0.7, 0.7) * sides[1].kerb, "bicyclist", None))
    for _ in range(dice.pick((0, 1, 1, 2))):
        oncoming = dice.chance(0.6)
        x = -sides[0].kerb * 0.5 if oncoming else sides[1].kerb * 0.4
        spots.append((dice.uniform(4.5, 30), x, "oncoming" if oncoming else "ahead", None))
    if dice.chance(0.25):
        spots.append((dice.uniform(11, 24), -sides[0].kerb * 0.45, "bus", None))
    bare = dice.chance(0.5)
    for depth, x, what, side in sorted(spots, key=lambda spot: -spot[0]):
        _put_spot(scene, dice, depth, x + bend * depth * depth, what, side, weather, bare)


def _put_spot(
    scene: DisplayList, dice: Dice, depth: float, x: float, what: str, side: Side | None, weather: Weather, bare: bool
) -> None:
    camera = scene.camera
    px, py = camera.centre + camera.focal * x / depth, camera.ground_y(depth)
    metre = camera.focal / depth
    scene.at_depth(depth)
    if what in ("parked", "oncoming", "ahead"):
        yaw = math.pi if what == "oncoming" or (what == "parked" and dice.chance(0.4)) else 0.0
        draw_car(scene, dice, x, depth, yaw + dice.bell(0, 0.05), ground="road", colour=pick_colour(dice, "car"),
                 lights=weather.dark or dice.chance(0.15))  # fmt: skip
    elif what == "bus":
        draw_bus(scene, dice, x, depth + 2, math.pi if x < 0 else 0.0, ground="road", colour=pick_colour(dice, "bus"),
                 lights=weather.dark)  # fmt: skip
    elif what == "person":
        draw_person(scene, dice, px, py, metre * dice.uniform(1.55, 1.9), ground="pavement")
    elif what == "bicyclist":
        draw_bicyclist(scene, dice, px, py, metre * 1.8, ground="road",
                       facing=dice.weighted({"back": 3, "front": 2, "side": 1.2}))  # fmt: skip
    elif what == "pole":
        draw_pole(scene, dice, px, py, metre * dice.uniform(3.5, 7.5), ground="pavement", lit=weather.dark)
    elif what == "sign":
        draw_sign(scene, dice, px, py, metre * dice.uniform(2.2, 3.0), ground="pavement", size=metre * dice.uniform(0.3, 0.55))
    elif what == "signal":
        draw_signal(scene, dice, px, py, metre * dice.uniform(2.8, 3.4), ground="pavement")
    elif what == "tree":
        tall = metre * dice.uniform(4.5, 10)
        draw_tree(scene, dice, px, py, tall, kind="bare" if bare else None, ground=None)
