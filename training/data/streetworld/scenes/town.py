"""An old town's street as a windscreen camera sees it that is set for the bright sky: narrow, built
up, its frontages in the shade.
"""

from __future__ import annotations

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.frontage import draw_frontage
from training.data.streetworld.palette import pick_color
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.drive import cast_street_shadow, draw_behind, lay_ground
from training.data.streetworld.scenes.roadside import Side, draw_side_fence, hang_sign, line_park
from training.data.streetworld.scenes.traffic import Spot, populate
from training.data.streetworld.scenes.weather import Weather


def compose_town(scene: DisplayList, rng: Rng, weather: Weather) -> None:
    """Fills the display list with a street of old houses."""
    if rng.chance(0.8):
        set_for_the_sky(rng, weather)
    camera = Camera(
        focal=rng.uniform(0.9, 1.6),
        height=rng.uniform(1.1, 2.2),
        horizon=rng.uniform(0.36, 0.56),
        centre=rng.bell(0.0, 0.14),
    )
    scene.camera = camera
    scene.roll = rng.bell(0.0, 0.02)
    bend = rng.bell(0.0, 0.0012) if rng.chance(0.4) else 0.0
    sides = [_choose_side(rng, sign) for sign in (-1.0, 1.0)]
    draw_behind(scene, rng, weather, camera)
    lay_ground(scene, rng, sides, bend, alike=rng.chance(0.6))
    for side in sides:
        _line_side(scene, rng, side, bend, weather)
    if weather.time == "day" and rng.chance(0.3):
        cast_street_shadow(scene, rng, sides)
    populate(scene, rng, sides, bend, weather, passers_by(rng, sides), parked=0.3)


def set_for_the_sky(rng: Rng, weather: Weather) -> None:
    """Turns the weather into a pale bright day whose land lies in the dark."""
    weather.time, weather.sky = "day", rng.weighted({"blue": 2, "white": 1})
    warm = rng.bell(0.0, 0.04)
    weather.tint = (1 + warm, 1.0, 1 - warm)
    weather.shaded = rng.uniform(0.28, 0.8)
    weather.gain, weather.gamma = rng.uniform(0.95, 1.3), rng.uniform(0.85, 1.15)
    weather.contrast, weather.saturation = rng.uniform(0.85, 1.2), rng.uniform(0.35, 0.9)
    weather.noise = min(weather.noise, 4)


def _choose_side(rng: Rng, sign: float) -> Side:
    style = rng.weighted({"street": 5.0, "trees": 2.0})
    return Side(
        sign,
        style,
        kerb=rng.uniform(2.2, 4.5),
        walk=rng.uniform(1.2, 3.5),
        verge=0.0 if style == "street" else rng.uniform(0.0, 2.0),
        dim=rng.uniform(0.35, 1.0) if rng.chance(0.6) else 1.0,
    )


def _line_side(scene: DisplayList, rng: Rng, side: Side, bend: float, weather: Weather) -> None:
    """Frontages wall to wall, or a park behind railings."""
    s, back = side.sign, side.wall
    far = rng.uniform(50, 80)
    if side.style == "trees":
        line_park(scene, rng, side, far)
        if rng.chance(0.7):
            kind = rng.weighted({"iron": 4, "rails": 1, "boards": 1, "pickets": 0.5})
            near = rng.uniform(1.0, 6.0)
            draw_fence(
                scene, rng, (s * back + bend * far * far, far),
                (s * back + bend * near * near, near), tall=rng.uniform(1.0, 2.2),
                color="black" if kind == "iron" else pick_color(rng, "fence"), kind=kind,
            )  # fmt: skip
        return
    mean, shops = rng.uniform(7, 13), rng.uniform(0.3, 1.0)
    line_frontages(scene, rng, side, bend, weather, far, mean, shops)
    if rng.chance(0.1):
        draw_side_fence(scene, rng, s * (back - 0.3), bend)


def line_frontages(
    scene: DisplayList, rng: Rng, side: Side, bend: float, weather: Weather, far: float,
    mean: float, shops: float, *, gloom: float = 1.0, last: float = 1.0, nearest: float = 0.6,
) -> None:  # fmt: skip
    """Frontages wall to wall from ``far`` metres on, about ``mean`` metres tall, with signs.

    ``shops``: the share of them; ``gloom``: the light on their ground floors. No frontage begins
    nearer than ``last`` or ends nearer than ``nearest`` metres.
    """
    s, back = side.sign, side.wall
    depth = far
    while depth > last:
        wide = max(depth * 0.25, rng.uniform(4.0, 10.0))
        near = max(depth - wide, nearest)
        draw_frontage(
            scene,
            rng,
            (s * back + bend * depth * depth, depth),
            (s * back + bend * near * near, near),
            mean * rng.uniform(0.8, 1.25),
            shop=rng.chance(shops),
            lit=weather.dark,
            dim=side.dim,
            gloom=gloom,
        )
        if rng.chance(0.35):
            hang_sign(scene, rng, s * (back - 0.5) + bend * near * near, near)
        depth = near


def passers_by(rng: Rng, sides: list[Side]) -> list[Spot]:
    """People before the shops, and bicyclists ahead."""
    spots: list[Spot] = []
    for side in sides:
        for _ in range(rng.integer(0, 5)):
            x = side.sign * (side.kerb + side.walk * rng.uniform(0.1, 0.9))
            spots.append((rng.uniform(4, 30), x, "person"))
    for _ in range(rng.pick((0, 0, 1, 2))):
        spots.append((rng.uniform(5, 16), rng.uniform(-0.8, 0.4) * sides[0].kerb, "bicyclist"))
    return spots
