"""A shopping street on a bright day, seen from the road, from the kerb or from the pavement.

What :mod:`.town` leaves out: pavements that fill half of the picture and are as grey as the road,
streets that are all pavement or have none, symbols painted on the road, ground floors in the dark.
"""

from __future__ import annotations

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera
from training.data.streetworld.objects.ground import Ground
from training.data.streetworld.objects.road_symbols import draw_kerb_lines, draw_road_symbol
from training.data.streetworld.rng import Dice
from training.data.streetworld.scenes.drive import cast_street_shadow, draw_behind, lay_ground
from training.data.streetworld.scenes.roadside import Side, line_park
from training.data.streetworld.scenes.town import line_frontages, passers_by, set_for_the_sky
from training.data.streetworld.scenes.traffic import populate
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


def compose_highstreet(scene: DisplayList, dice: Dice, weather: Weather) -> None:
    """Fills the display list with a shopping street."""
    if dice.chance(0.75):
        set_for_the_sky(dice, weather)
    camera = Camera(
        focal=dice.uniform(0.8, 1.5),
        height=dice.uniform(1.1, 2.0),
        horizon=dice.uniform(0.34, 0.58),
        centre=dice.bell(0.0, 0.12),
    )
    scene.camera = camera
    scene.roll = dice.bell(0.0, 0.02)
    bend = dice.bell(0.0, 0.001) if dice.chance(0.3) else 0.0
    view = dice.weighted(_VIEWS)
    sides = _choose_sides(dice, view)
    draw_behind(scene, dice, weather, camera)
    road = lay_ground(scene, dice, sides, bend, alike=dice.chance(0.65))
    _paint_road(scene, dice, road, sides, bend)
    for side in sides:
        _line_side(scene, dice, side, bend, weather)
    if weather.time == "day" and dice.chance(0.25):
        cast_street_shadow(scene, dice, sides)
    left, right = -sides[0].kerb, sides[1].kerb
    populate(
        scene,
        dice,
        sides,
        bend,
        weather,
        passers_by(dice, sides),
        parked=0.3,
        may_stand=lambda spot: spot[2] not in _ON_ROAD or left + 0.4 < spot[1] < right - 0.4,
    )


def _choose_sides(dice: Dice, view: str) -> list[Side]:
    """Left and right. A kerb below zero lies on the other side of the camera."""
    near = dice.pick((0, 1))
    sides = []
    for n, sign in enumerate((-1.0, 1.0)):
        kerb, walk = dice.uniform(2.4, 5.5), dice.uniform(1.5, 4.5)
        if view == "all road":
            walk = 0.0
        elif view == "all pavement":
            # No road is left between the kerbs, and nothing that drives.
            kerb, walk = 0.0, dice.uniform(2.5, 6.0)
        elif n == near and view == "kerb":
            kerb, walk = dice.uniform(0.2, 1.4), dice.uniform(2.0, 5.0)
        elif n == near and view == "pavement":
            kerb = dice.uniform(-2.0, -0.4)
            walk = dice.uniform(1.2, 3.5) - kerb
        elif view in ("kerb", "pavement"):
            kerb = dice.uniform(4.5, 9.0)
        dim = dice.uniform(0.35, 1.0) if dice.chance(0.6) else 1.0
        style = dice.weighted({"street": 5.0, "trees": 1.0})
        sides.append(Side(sign, style, kerb, walk, 0.0, dim))
    return sides


def _paint_road(
    scene: DisplayList, dice: Dice, road: Ground, sides: list[Side], bend: float
) -> None:
    left, right = -sides[0].kerb, sides[1].kerb
    if right - left < 2.5:
        return
    if dice.chance(0.5):
        for side in sides:
            draw_kerb_lines(scene, dice, road, side.sign * side.kerb, -side.sign, bend)
    for _ in range(dice.pick((0, 1, 1, 2, 3))):
        lane = left + (right - left) * dice.pick((0.25, 0.5, 0.75))
        draw_road_symbol(scene, dice, road, lane, dice.uniform(1.8, 14.0), bend)


def _line_side(scene: DisplayList, dice: Dice, side: Side, bend: float, weather: Weather) -> None:
    """Shops wall to wall, their ground floors darker than what is above; or a park."""
    far = dice.uniform(50, 80)
    if side.style == "trees":
        line_park(scene, dice, side, far)
        return
    mean, gloom = dice.uniform(6, 13), dice.uniform(0.3, 1.0)
    line_frontages(
        scene, dice, side, bend, weather, far, mean, 0.85, gloom=gloom, last=0.8, nearest=0.5
    )
