"""Who and what is on a street: traffic, people, posts and trees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.objects.bicyclist import draw_bicyclist
from training.data.streetworld.objects.bus import draw_bus
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.person import draw_person
from training.data.streetworld.objects.pole import draw_pole
from training.data.streetworld.objects.sign import draw_sign, draw_signal
from training.data.streetworld.objects.tree import draw_tree
from training.data.streetworld.palette import pick_color
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.roadside import Side
from training.data.streetworld.scenes.weather import Weather

Spot = tuple[float, float, str]  # metres ahead, metres from the middle, what


def populate(
    scene: DisplayList, rng: Rng, sides: list[Side], bend: float, weather: Weather,
    more: Sequence[Spot] = (), parked: float = 0.55,
    may_stand: Callable[[Spot], bool] = lambda spot: True,
) -> None:  # fmt: skip
    """Traffic, people, street furniture and ``more``, far to near; ``parked``: how often cars stand
    along a side (oftener where cars are polished); ``may_stand``: which of all these are drawn.
    """
    spots = list(more)
    for side in sides:
        spots += _spots_beside(rng, side, max(parked, scene.polished))
    for _ in range(rng.pick((0, 0, 1, 1, 1, 2))):
        spots.append((rng.uniform(5, 22), rng.uniform(-0.7, 0.7) * sides[1].kerb, "bicyclist"))
    for _ in range(rng.pick((0, 1, 1, 2))):
        oncoming = rng.chance(0.6)
        x = -sides[0].kerb * 0.5 if oncoming else sides[1].kerb * 0.4
        spots.append((rng.uniform(4.5, 30), x, "oncoming" if oncoming else "ahead"))
    if scene.polished:
        # Cars that come and go on either side, as they do where one drives on the left.
        for _ in range(rng.integer(0, 2)):
            x = rng.uniform(-0.8, 0.8) * sides[1].kerb
            spots.append((rng.uniform(3.5, 20), x, rng.pick(("oncoming", "ahead"))))
    if rng.chance(0.25):
        spots.append((rng.uniform(11, 24), -sides[0].kerb * 0.45, "bus"))
    bare = rng.chance(0.5)
    for depth, x, what in sorted(filter(may_stand, spots), key=lambda spot: -spot[0]):
        _put(scene, rng, depth, x + bend * depth * depth, what, weather, bare)


def _spots_beside(rng: Rng, side: Side, parked: float) -> list[Spot]:
    """What stands along one side of the street."""
    spots: list[Spot] = []
    s = side.sign
    if rng.chance(parked):
        first = rng.uniform(4, 14)
        for n in range(rng.integer(1, 4)):
            spots.append((first + n * rng.uniform(5.5, 8), s * (side.kerb - 1.05), "parked"))
    if side.walk > 1:
        for _ in range(rng.pick((0, 0, 1, 1, 2, 3))):
            spots.append(
                (
                    rng.uniform(3.5, 18),
                    s * (side.kerb + side.walk * rng.uniform(0.15, 0.9)),
                    "person",
                )
            )
    at_kerb = s * (side.kerb + min(side.walk * 0.15 + 0.2, 0.6))
    for noun, share in (("pole", 0.55), ("sign", 0.4), ("signal", 0.12)):
        if rng.chance(share):
            spots.append((rng.uniform(4, 20), at_kerb, noun))
    if side.style in ("trees", "open") or rng.chance(0.15):
        first = rng.uniform(5, 12)
        x = s * (
            side.kerb + side.walk * 0.3 if side.walk > 2 and rng.chance(0.4) else side.wall + 1.5
        )
        for n in range(rng.integer(1, 4)):
            spots.append((first + n * rng.uniform(5, 9), x, "tree"))
    return spots


def _put(
    scene: DisplayList, rng: Rng, depth: float, x: float, what: str, weather: Weather, bare: bool
) -> None:
    camera = scene.camera
    px, py = camera.centre + camera.focal * x / depth, camera.ground_y(depth)
    metre = camera.focal / depth
    scene.at_depth(depth)
    if what in ("parked", "oncoming", "ahead", "bus"):
        _put_vehicle(scene, rng, depth, x, what, lit=weather.dark)
    elif what == "person":
        draw_person(scene, rng, px, py, metre * rng.uniform(1.55, 1.9), ground="pavement")
    elif what == "bicyclist":
        draw_bicyclist(scene, rng, px, py, metre * 1.8, ground="road",
                       facing=rng.weighted({"back": 3, "front": 2, "side": 1.2}))  # fmt: skip
    elif what == "pole":
        draw_pole(
            scene, rng, px, py, metre * rng.uniform(3.5, 7.5), ground="pavement", lit=weather.dark
        )
    elif what == "sign":
        tall, size = metre * rng.uniform(2.2, 3.0), metre * rng.uniform(0.3, 0.55)
        draw_sign(scene, rng, px, py, tall, ground="pavement", size=size)
    elif what == "signal":
        draw_signal(scene, rng, px, py, metre * rng.uniform(2.8, 3.4), ground="pavement")
    elif what == "tree":
        tall = metre * rng.uniform(4.5, 10)
        draw_tree(scene, rng, px, py, tall, kind="bare" if bare else None, ground=None)


def _put_vehicle(
    scene: DisplayList, rng: Rng, depth: float, x: float, what: str, *, lit: bool
) -> None:
    if what == "bus":
        color = pick_color(rng, "bus")
        yaw = math.pi if x < 0 else 0.0
        draw_bus(scene, rng, x, depth + 2, yaw, ground="road", color=color, lights=lit)
        return
    yaw = math.pi if what == "oncoming" or (what == "parked" and rng.chance(0.4)) else 0.0
    yaw += rng.bell(0, 0.05)
    color = pick_color(rng, "car")
    lights = lit or rng.chance(0.15)
    draw_car(scene, rng, x, depth, yaw, ground="road", color=color, lights=lights)
