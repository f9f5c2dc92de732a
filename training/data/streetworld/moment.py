"""A moment of a street that moves: everything that stands and goes there, as the camera sees it."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera
from training.data.streetworld.objects.bicyclist import draw_bicyclist
from training.data.streetworld.objects.building import draw_building
from training.data.streetworld.objects.bus import draw_bus
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.dog import draw_dog
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.ground import Ground, strip
from training.data.streetworld.objects.person import draw_person
from training.data.streetworld.objects.pole import draw_pole
from training.data.streetworld.objects.sign import draw_sign, draw_signal
from training.data.streetworld.objects.sky import draw_clouds, draw_sky
from training.data.streetworld.objects.tree import draw_tree
from training.data.streetworld.street import Actor, Street

# Metres before the camera at which the last of a thing has left the image.
_NEAREST = {"parked": -2.5, "oncoming": -2.5, "ahead": -2.5, "bus": -6.5}


def _draw_actor(
    scene: DisplayList, street: Street, actor: Actor, x: float, depth: float, seconds: float
) -> None:
    camera, rng = scene.camera, street.rng(2, actor.key)
    metre = camera.focal / max(depth, 0.5)
    px, py = camera.centre + x * metre, camera.ground_y(max(depth, 0.5))
    scene.anchor = (px, py)
    scene.at_depth(depth)
    phase = math.sin(seconds * 6.0 + actor.key)
    heading = 1.0 if actor.speed_x > 0 else -1.0
    what, color = actor.what, actor.color
    if what in ("parked", "oncoming", "ahead"):
        yaw = math.pi if what == "oncoming" else 0.0
        draw_car(scene, rng, x, depth, yaw, ground="road", color=color)
    elif what == "bus":
        draw_bus(scene, rng, x, depth, math.pi, ground="road", color=color)
    elif what == "person":
        draw_person(scene, rng, px, py, metre * 1.75, ground="pavement", color=color, step=phase,
                    facing=actor.facing, mirror=heading)  # fmt: skip
    elif what == "bicyclist":
        draw_bicyclist(scene, rng, px, py, metre * 1.85, ground="road", color=color,
                       step=(seconds * 0.9) % 2 - 1, facing=actor.facing, mirror=1.0)  # fmt: skip
    elif what == "dog":
        draw_dog(
            scene, rng, px, py, metre * 0.85, ground="pavement", color=color, step=phase, mirror=1.0
        )
    elif what == "tree":
        draw_tree(
            scene,
            rng,
            px,
            py,
            metre * 7.0,
            kind="bare" if actor.key % 3 == 0 else "leafy",
            ground="grass",
        )
    elif what == "pole":
        draw_pole(scene, rng, px, py, metre * 6.0, ground="pavement", kind="lamp")
    elif what == "sign":
        draw_sign(scene, rng, px, py, metre * 2.6, ground="pavement", size=metre * 0.4)
    elif what == "signal":
        draw_signal(scene, rng, px, py, metre * 3.2, ground="pavement")


def _draw_ground(scene: DisplayList, street: Street, travelled: float) -> None:
    kerb, walk = street.kerb, street.walk
    grass = Ground(scene, street.rng(3), "grass")
    grass.fill([(-3.0, scene.camera.horizon), (3.0, scene.camera.horizon), (3.0, 2.5), (-3.0, 2.5)])
    pavement = Ground(scene, street.rng(4), "pavement")
    for side in (-1.0, 1.0):
        pavement.fill(strip(scene, side * kerb, side * (kerb + walk), 0.9, 120))
    road = Ground(scene, street.rng(5), "road")
    road.fill(strip(scene, -kerb, kerb, 0.9, 150))
    for side in (-1.0, 1.0):
        scene.fill(
            strip(scene, side * kerb, side * (kerb + 0.16), 0.9, 60),
            (150.0, 148.0, 144.0),
            pavement.thing,
        )
    first = 1.0 - travelled % 6.0
    dashes = [
        strip(scene, -0.07, 0.07, max(z, 0.9), z + 2.4)
        for z in np.arange(first, 50.0, 6.0).tolist()
        if z + 2.4 > 1
    ]
    road.marks(np.array(dashes), (222.0, 222.0, 216.0))


def _draw_skyline(scene: DisplayList, street: Street) -> None:
    """Three houses across the far end of the street."""
    for n in range(3):
        rng = street.rng(7, n)
        scene.anchor = (scene.camera.centre, scene.camera.horizon)
        start = -30 + n * 20
        draw_building(
            scene, rng, (start, 95), (start + 20, 95), rng.uniform(7, 16), shop=False, roof="flat"
        )


def _draw_facades(scene: DisplayList, street: Street, travelled: float) -> None:
    """The houses on both sides, far to near."""
    sway, horizon = scene.camera.centre, scene.camera.horizon
    for facade in sorted(street.facades, key=lambda f: -f.far):
        if facade.far - travelled > 0.8:
            near = facade.near - travelled
            scene.anchor = (
                sway + scene.camera.focal * facade.x / max(facade.far - travelled, 0.4),
                horizon,
            )
            draw_building(
                scene,
                street.rng(8, facade.key),
                (facade.x, facade.far - travelled),
                (facade.x, near),
                facade.tall,
                roof="flat" if facade.x < 0 else None,
            )


def compose_moment(street: Street, seconds: float, polished: float = 0.0) -> DisplayList:
    """The street as the camera sees it after so many seconds; ``polished``: see DisplayList."""
    travelled = street.speed * seconds
    sway = math.sin(seconds * 0.9) * 0.035
    horizon = street.horizon + 0.004 * math.sin(seconds * 2.1)
    scene = DisplayList(Camera(street.focal, 1.5, horizon, travelled, sway), polished=polished)
    scene.haze_color, scene.haze_per_metre = street.haze_color, street.haze_per_metre
    scene.roll = 0.006 * math.sin(seconds * 1.3)
    sky = street.rng(6)
    draw_sky(scene, sky, street.weather.sky, horizon)
    draw_clouds(scene, sky, street.weather.sky, horizon, 3)
    scene.soften(0.006)
    _draw_skyline(scene, street)
    _draw_ground(scene, street, travelled)
    _draw_facades(scene, street, travelled)
    fence_x = street.kerb + street.walk + 1.0
    far, near = (fence_x, 44.0 - travelled), (fence_x, 15.0 - travelled)
    look = {"kind": "iron", "color": "black", "ground": "grass"}
    draw_fence(scene, street.rng(9), far, near, tall=1.2, **look)
    places = [(actor, *actor.at(seconds)) for actor in street.actors]
    for actor, x, depth in sorted(places, key=lambda place: -place[2]):
        if _NEAREST.get(actor.what, 0.8) < depth - travelled < 100:
            first = len(scene.things)
            _draw_actor(scene, street, actor, x, depth - travelled, seconds)
            own = range(first, len(scene.things))
            scene.actor_of_thing.update(dict.fromkeys(own, actor.key))
    return scene
