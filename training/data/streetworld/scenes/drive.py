"""A street as a camera behind a windscreen sees it."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, Points
from training.data.streetworld.objects.building import draw_building
from training.data.streetworld.objects.ground import Ground, strip
from training.data.streetworld.objects.sky import draw_clouds, draw_sky, draw_sun
from training.data.streetworld.objects.wood import draw_treeline
from training.data.streetworld.palette import Color, mix, shade
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.roadside import Side, choose_side, line_side
from training.data.streetworld.scenes.traffic import populate
from training.data.streetworld.scenes.weather import Weather


def compose_drive(scene: DisplayList, rng: Rng, weather: Weather) -> None:
    """Fills the display list with a street scene in perspective."""
    camera = Camera(
        focal=rng.uniform(0.85, 1.5),
        height=rng.uniform(1.2, 2.6),
        horizon=rng.uniform(0.26, 0.58),
        centre=rng.bell(0.0, 0.16),
    )
    scene.camera = camera
    scene.roll = rng.bell(0.0, 0.035) if rng.chance(0.6) else 0.0
    bend = rng.bell(0.0, 0.0016) if rng.chance(0.4) else 0.0
    styles = {"street": 4.0, "houses": 1.6, "trees": 2.6, "open": 1.2}
    sides = [choose_side(rng, s, rng.weighted(styles)) for s in (-1.0, 1.0)]
    draw_behind(scene, rng, weather, camera)
    lay_ground(scene, rng, sides, bend)
    for side in sides:
        line_side(scene, rng, side, bend, weather)
    if weather.time == "day" and rng.chance(0.5):
        cast_street_shadow(scene, rng, sides)
    populate(scene, rng, sides, bend, weather)


def draw_behind(scene: DisplayList, rng: Rng, weather: Weather, camera: Camera) -> None:
    """Sky, and what closes the street far away."""
    draw_sky(scene, rng, weather.sky, camera.horizon)
    if weather.time in ("day", "dusk") and weather.sky != "white" and rng.chance(0.15):
        draw_sun(
            scene,
            rng,
            weather.sky,
            rng.uniform(-0.5, 0.5),
            rng.uniform(0.03, camera.horizon * 0.8),
            rng.uniform(0.04, 0.09),
        )
    if rng.chance(0.3):
        draw_clouds(scene, rng, weather.sky, camera.horizon, rng.integer(1, 3))
    scene.soften(rng.uniform(0.004, 0.01))
    scene.dim = weather.shaded
    _close_street(scene, rng, camera.horizon, lit=weather.dark)


def _close_street(scene: DisplayList, rng: Rng, horizon: float, *, lit: bool) -> None:
    """What stands at the far end: trees, houses or nothing."""
    end = rng.weighted({"trees": 3, "walls": 3, "nothing": 1.5})
    scene.at_depth(90)
    if end == "trees":
        draw_treeline(
            scene,
            rng,
            -1.2,
            1.2,
            horizon + 0.012,
            rng.uniform(0.05, 0.2),
            bare=rng.chance(0.5),
        )
    elif end == "walls":
        edge = -60.0
        while edge < 60:
            wide = rng.uniform(10, 30)
            draw_building(
                scene,
                rng,
                (edge, 80),
                (edge + wide, 80),
                rng.uniform(5, 18),
                shop=False,
                lit=lit,
            )
            edge += wide


def lay_ground(
    scene: DisplayList, rng: Rng, sides: list[Side], bend: float, *, alike: bool = False
) -> Ground:
    """Road, pavements and verges, kerbs and marks; ``alike``: pavements as grey as the road.

    Returns the road, which has no pieces where the kerbs leave it no room.
    """
    horizon = scene.camera.horizon
    grass = any(side.verge > 0 for side in sides)
    base = Ground(scene, rng, "grass" if grass else "pavement", dim=0.9)
    base.fill([(-3.0, horizon), (3.0, horizon), (3.0, 2.5), (-3.0, 2.5)])
    walk = Ground(scene, rng, "pavement")
    road = Ground(scene, rng, "road")
    if alike:
        walk.paint = shade(mix(walk.paint, road.paint, 0.7), rng.uniform(0.9, 1.3))
    kerb_paint = (rng.uniform(90, 190),) * 3
    for side in sides:
        s = side.sign
        if side.walk:
            walk.fill(strip(scene, s * side.kerb, s * (side.kerb + side.walk), 0.9, 120, bend))
    if sides[0].kerb + sides[1].kerb <= 0:
        return road
    road.fill(strip(scene, -sides[0].kerb, sides[1].kerb, 0.9, 150, bend))
    for side in sides:
        if side.walk:
            s = side.sign
            edge = strip(scene, s * side.kerb, s * (side.kerb + 0.18), 0.9, 60, bend)
            scene.fill(edge, kerb_paint, walk.thing)
    _road_marks(scene, rng, road, sides, bend)
    return road


def _dashes(
    scene: DisplayList, x: float, wide: float, dash: float, gap: float, start: float, bend: float
) -> Points:
    near = np.arange(1.2 + start, 46.0, dash + gap)
    corners = np.zeros((len(near), 4, 3))
    corners[:, :2, 2] = near[:, None]
    corners[:, 2:, 2] = near[:, None] + dash
    corners[:, :, 0] = np.array([x - wide / 2, x + wide / 2, x + wide / 2, x - wide / 2])
    corners[:, :, 0] += bend * corners[:, :, 2] ** 2
    return scene.camera.project(corners)


def _road_marks(scene: DisplayList, rng: Rng, road: Ground, sides: list[Side], bend: float) -> None:
    paint: Color = rng.pick(((226, 226, 222), (200, 200, 196), (170, 170, 168), (214, 182, 84)))
    middle = (sides[1].kerb - sides[0].kerb) / 2
    if rng.chance(0.75):
        dash, gap = rng.uniform(1.0, 4.0), rng.uniform(1.0, 6.0)
        road.marks(
            _dashes(scene, middle, rng.uniform(0.1, 0.2), dash, gap, rng.uniform(0, 3), bend), paint
        )
    if rng.chance(0.35):
        yellow: Color = rng.pick(((206, 176, 70), (222, 222, 216)))
        for side in sides:
            for inset in (0.3, 0.55) if rng.chance(0.6) else (0.35,):
                x = side.sign * (side.kerb - inset)
                line = strip(scene, x - 0.05, x + 0.05, 0.9, 50, bend)
                road.marks(line[None], yellow)
    if rng.chance(0.12):
        far = rng.uniform(5, 16)
        xs = np.arange(-sides[0].kerb + 0.3, sides[1].kerb - 0.6, 1.0).tolist()
        bars = np.array([strip(scene, x, x + 0.5, far, far + 2.6) for x in xs])
        road.marks(bars, (228, 228, 224))
    if rng.chance(0.25):
        far, wide = rng.uniform(3, 9), rng.uniform(1.0, 2.5)
        x = rng.uniform(-1.5, 1.0)
        patch = strip(scene, x, x + wide, far, far + rng.uniform(1, 6))
        scene.blend(
            patch, rng.pick(((20, 20, 24), (120, 60, 50), (150, 150, 150))), rng.uniform(0.15, 0.5)
        )


def cast_street_shadow(scene: DisplayList, rng: Rng, sides: list[Side]) -> None:
    """The shade of one side's houses over the road."""
    side = rng.pick(sides)
    reach = rng.uniform(-0.8, 1.2) * side.kerb
    inner, outer = -side.sign * reach, side.sign * (side.wall + 0.1)
    shape = strip(scene, inner, outer, 0.9, 60)
    scene.blend(shape, (14, 16, 30), rng.uniform(0.25, 0.6))
