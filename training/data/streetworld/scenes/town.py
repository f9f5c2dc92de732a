"""An old town's street as a windscreen camera sees it that is set for the bright sky: narrow, built
up, its frontages in the shade.
"""

from __future__ import annotations

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.frontage import draw_frontage
from training.data.streetworld.palette import pick_color
from training.data.streetworld.rng import Dice
from training.data.streetworld.scenes.drive import cast_street_shadow, draw_behind, lay_ground
from training.data.streetworld.scenes.roadside import Side, draw_side_fence, hang_sign, line_park
from training.data.streetworld.scenes.traffic import Spot, populate
from training.data.streetworld.scenes.weather import Weather


def compose_town(scene: DisplayList, dice: Dice, weather: Weather) -> None:
    """Fills the display list with a street of old houses."""
    if dice.chance(0.8):
        set_for_the_sky(dice, weather)
    camera = Camera(
        focal=dice.uniform(0.9, 1.6),
        height=dice.uniform(1.1, 2.2),
        horizon=dice.uniform(0.36, 0.56),
        centre=dice.bell(0.0, 0.14),
    )
    scene.camera = camera
    scene.roll = dice.bell(0.0, 0.02)
    bend = dice.bell(0.0, 0.0012) if dice.chance(0.4) else 0.0
    sides = [_choose_side(dice, sign) for sign in (-1.0, 1.0)]
    draw_behind(scene, dice, weather, camera)
    lay_ground(scene, dice, sides, bend, alike=dice.chance(0.6))
    for side in sides:
        _line_side(scene, dice, side, bend, weather)
    if weather.time == "day" and dice.chance(0.3):
        cast_street_shadow(scene, dice, sides)
    populate(scene, dice, sides, bend, weather, passers_by(dice, sides), parked=0.3)


def set_for_the_sky(dice: Dice, weather: Weather) -> None:
    """Turns the weather into a pale bright day whose land lies in the dark."""
    weather.time, weather.sky = "day", dice.weighted({"blue": 2, "white": 1})
    warm = dice.bell(0.0, 0.04)
    weather.tint = (1 + warm, 1.0, 1 - warm)
    weather.shaded = dice.uniform(0.28, 0.8)
    weather.gain, weather.gamma = dice.uniform(0.95, 1.3), dice.uniform(0.85, 1.15)
    weather.contrast, weather.saturation = dice.uniform(0.85, 1.2), dice.uniform(0.35, 0.9)
    weather.noise = min(weather.noise, 4)


def _choose_side(dice: Dice, sign: float) -> Side:
    style = dice.weighted({"street": 5.0, "trees": 2.0})
    return Side(
        sign,
        style,
        kerb=dice.uniform(2.2, 4.5),
        walk=dice.uniform(1.2, 3.5),
        verge=0.0 if style == "street" else dice.uniform(0.0, 2.0),
        dim=dice.uniform(0.35, 1.0) if dice.chance(0.6) else 1.0,
    )


def _line_side(scene: DisplayList, dice: Dice, side: Side, bend: float, weather: Weather) -> None:
    """Frontages wall to wall, or a park behind railings."""
    s, back = side.sign, side.wall
    far = dice.uniform(50, 80)
    if side.style == "trees":
        line_park(scene, dice, side, far)
        if dice.chance(0.7):
            kind = dice.weighted({"iron": 4, "rails": 1, "boards": 1, "pickets": 0.5})
            near = dice.uniform(1.0, 6.0)
            draw_fence(
                scene, dice, (s * back + bend * far * far, far),
                (s * back + bend * near * near, near), tall=dice.uniform(1.0, 2.2),
                color="black" if kind == "iron" else pick_color(dice, "fence"), kind=kind,
            )  # fmt: skip
        return
    mean, shops = dice.uniform(7, 13), dice.uniform(0.3, 1.0)
    line_frontages(scene, dice, side, bend, weather, far, mean, shops)
    if dice.chance(0.1):
        draw_side_fence(scene, dice, s * (back - 0.3), bend)


def line_frontages(
    scene: DisplayList,
    dice: Dice,
    side: Side,
    bend: float,
    weather: Weather,
    far: float,
    mean: float,
    shops: float,
    *,
    gloom: float = 1.0,
    last: float = 1.0,
    nearest: float = 0.6,
) -> None:
    """Frontages wall to wall from `far` metres on, about `mean` metres tall, with hanging signs.

    `shops`: the share of them; `gloom`: the light on their ground floors. No frontage begins nearer
    than `last` or ends nearer than `nearest` metres.
    """
    s, back = side.sign, side.wall
    depth = far
    while depth > last:
        wide = max(depth * 0.25, dice.uniform(4.0, 10.0))
        near = max(depth - wide, nearest)
        draw_frontage(
            scene,
            dice,
            (s * back + bend * depth * depth, depth),
            (s * back + bend * near * near, near),
            mean * dice.uniform(0.8, 1.25),
            shop=dice.chance(shops),
            lit=weather.dark,
            dim=side.dim,
            gloom=gloom,
        )
        if dice.chance(0.35):
            hang_sign(scene, dice, s * (back - 0.5) + bend * near * near, near)
        depth = near


def passers_by(dice: Dice, sides: list[Side]) -> list[Spot]:
    """People before the shops, and bicyclists ahead."""
    spots: list[Spot] = []
    for side in sides:
        for _ in range(dice.integer(0, 5)):
            x = side.sign * (side.kerb + side.walk * dice.uniform(0.1, 0.9))
            spots.append((dice.uniform(4, 30), x, "person"))
    for _ in range(dice.pick((0, 0, 1, 2))):
        spots.append((dice.uniform(5, 16), dice.uniform(-0.8, 0.4) * sides[0].kerb, "bicyclist"))
    return spots
