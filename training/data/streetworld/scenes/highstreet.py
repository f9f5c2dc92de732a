"""A shopping street on a bright day, seen from the road, from the kerb or from the pavement.

What :mod:`.town` leaves out: pavements that fill half of the picture and are as grey as the road,
streets that are all pavement or have none, symbols painted on the road, ground floors in the dark.
"""

from __future__ import annotations

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera
from training.data.streetworld.objects.ground import Ground
from training.data.streetworld.objects.road_symbols import draw_kerb_lines, draw_road_symbol
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.drive import cast_street_shadow, draw_behind, lay_ground
from training.data.streetworld.scenes.roadside import Side, line_park
from training.data.streetworld.scenes.town import line_frontages, passers_by, set_for_the_sky
from training.data.streetworld.scenes.traffic import Spot, populate
from training.data.streetworld.scenes.weather import Weather

# Where the camera is (over the road, beside the kerb, on the pavement), or that there is but one.
_VIEWS: dict[str, float] = {
    "road": 3.0,
    "kerb": 2.0,
    "pavement": 2.5,
    "all pavement": 1.0,
    "all road": 1.5,
}

_ON_ROAD = ("parked", "oncoming", "ahead", "bus", "bicyclist")


def compose_highstreet(scene: DisplayList, rng: Rng, weather: Weather) -> None:
    """Fills the display list with a shopping street."""
    if rng.chance(0.75):
        set_for_the_sky(rng, weather)
    camera = Camera(
        focal=rng.uniform(0.8, 1.5),
        height=rng.uniform(1.1, 2.0),
        horizon=rng.uniform(0.34, 0.58),
        centre=rng.bell(0.0, 0.12),
    )
    scene.camera = camera
    scene.roll = rng.bell(0.0, 0.02)
    bend = rng.bell(0.0, 0.001) if rng.chance(0.3) else 0.0
    view = rng.weighted(_VIEWS)
    sides = _choose_sides(rng, view)
    draw_behind(scene, rng, weather, camera)
    road = lay_ground(scene, rng, sides, bend, alike=rng.chance(0.65))
    _paint_road(scene, rng, road, sides, bend)
    for side in sides:
        _line_side(scene, rng, side, bend, weather)
    if weather.time == "day" and rng.chance(0.25):
        cast_street_shadow(scene, rng, sides)
    left, right = -sides[0].kerb, sides[1].kerb

    def may_stand(spot: Spot) -> bool:
        return spot[2] not in _ON_ROAD or left + 0.4 < spot[1] < right - 0.4

    more = passers_by(rng, sides)
    populate(scene, rng, sides, bend, weather, more, parked=0.3, may_stand=may_stand)


def _choose_sides(rng: Rng, view: str) -> list[Side]:
    """Left and right. A kerb below zero lies on the other side of the camera."""
    near = rng.pick((0, 1))
    sides = []
    for n, sign in enumerate((-1.0, 1.0)):
        kerb, walk = rng.uniform(2.4, 5.5), rng.uniform(1.5, 4.5)
        if view == "all road":
            walk = 0.0
        elif view == "all pavement":
            # No road is left between the kerbs, and nothing that drives.
            kerb, walk = 0.0, rng.uniform(2.5, 6.0)
        elif n == near and view == "kerb":
            kerb, walk = rng.uniform(0.2, 1.4), rng.uniform(2.0, 5.0)
        elif n == near and view == "pavement":
            kerb = rng.uniform(-2.0, -0.4)
            walk = rng.uniform(1.2, 3.5) - kerb
        elif view in ("kerb", "pavement"):
            kerb = rng.uniform(4.5, 9.0)
        dim = rng.uniform(0.35, 1.0) if rng.chance(0.6) else 1.0
        style = rng.weighted({"street": 5.0, "trees": 1.0})
        sides.append(Side(sign, style, kerb, walk, 0.0, dim))
    return sides


def _paint_road(scene: DisplayList, rng: Rng, road: Ground, sides: list[Side], bend: float) -> None:
    left, right = -sides[0].kerb, sides[1].kerb
    if right - left < 2.5:
        return
    if rng.chance(0.5):
        for side in sides:
            draw_kerb_lines(scene, rng, road, side.sign * side.kerb, -side.sign, bend)
    for _ in range(rng.pick((0, 1, 1, 2, 3))):
        lane = left + (right - left) * rng.pick((0.25, 0.5, 0.75))
        draw_road_symbol(scene, rng, road, lane, rng.uniform(1.8, 14.0), bend)


def _line_side(scene: DisplayList, rng: Rng, side: Side, bend: float, weather: Weather) -> None:
    """Shops wall to wall, their ground floors darker than what is above; or a park."""
    far = rng.uniform(50, 80)
    if side.style == "trees":
        line_park(scene, rng, side, far)
        return
    mean, gloom = rng.uniform(6, 13), rng.uniform(0.3, 1.0)
    line_frontages(
        scene, rng, side, bend, weather, far, mean, 0.85, gloom=gloom, last=0.8, nearest=0.5
    )
