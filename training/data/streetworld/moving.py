"""A street that moves: the same things and the same look as the still scenes, over time.

Nothing is remembered between frames but numbers: each thing has its own dice, thrown anew for
every frame, so it looks the same while its place changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .captions import write_captions
from .drawing import DisplayList
from .geometry import Camera
from .masks import labels_of
from .objects.bicyclist import draw_bicyclist
from .objects.building import draw_building
from .objects.bus import draw_bus
from .objects.car import draw_car
from .objects.dog import draw_dog
from .objects.fence import draw_fence
from .objects.ground import Ground, strip
from .objects.heaven import draw_clouds, draw_sky
from .objects.person import draw_person
from .objects.pole import draw_pole
from .objects.sign import draw_sign, draw_signal
from .objects.tree import draw_tree
from .painter import paint
from .palette import COLOURED, pick_colour
from .photograph import expose
from .randomness import NAMESPACE_KEYS, NAMESPACES, Dice
from .scene import Draft, Scene, look
from .scenes.weather import Weather, draw_weather

_MOVING = 0x6D6F7665  # keeps these streams apart from the still scenes of the same namespace


@dataclass
class Actor:
    """A thing at (x, depth) metres at the start, its speed in metres a second, its own dice."""

    what: str
    x: float
    depth: float
    speed_x: float = 0.0
    speed_z: float = 0.0
    key: int = 0
    colour: str | None = None
    facing: str | None = None

    def at(self, seconds: float) -> tuple[float, float]:
        """Where it is after so many seconds."""
        return self.x + self.speed_x * seconds, self.depth + self.speed_z * seconds


@dataclass
class Facade:
    """A stretch of one side of the street."""

    x: float
    far: float
    near: float
    tall: float
    key: int


@dataclass
class Street:
    """Everything about a moving street that does not change."""

    weather: Weather
    haze_colour: tuple[float, float, float]
    haze_per_metre: float
    kerb: float
    walk: float
    speed: float
    facades: list[Facade]
    actors: list[Actor]
    focal: float
    horizon: float
    entropy: tuple[int, ...]

    def dice(self, *key: int) -> Dice:
        """The dice of one part of the street."""
        return Dice(*self.entropy, *key)


def plan_street(seed: int, namespace: str) -> Street:
    """Chooses a street, its traffic and its people.

    Raises:
        ValueError: for a namespace that does not exist, for "train" (training never sees a
            moving scene's stream, nor a clip training's) or for a negative seed.
    """
    if namespace not in NAMESPACES or namespace == "train":
        others = tuple(name for name in NAMESPACES if name != "train")
        raise ValueError(f"a moving scene needs a namespace of {others}, got {namespace!r}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    entropy = (NAMESPACE_KEYS[namespace], seed, _MOVING)
    dice = Dice(*entropy)
    haze = DisplayList()
    weather = draw_weather(dice, haze)
    while weather.time != "day" or weather.sky != "blue":
        weather = draw_weather(dice, haze)
    weather.blur, weather.motion, weather.jpeg = 0.002, (0.0, 0.0), 0
    weather.noise, weather.shaded = 3, 1.0
    weather.saturation, weather.contrast = 0.95, 1.05
    weather.gain, weather.gamma = 1.1, 0.95
    kerb, walk = dice.uniform(3.2, 3.6), dice.uniform(2.4, 3.4)
    facades: list[Facade] = []
    for side in (-1.0, 1.0):
        edge = -12.0
        while edge < 90:
            wide = dice.uniform(6, 12)
            facades.append(
                Facade(
                    side * (kerb + walk + (0.0 if side < 0 else 4.5)),
                    edge + wide,
                    edge,
                    dice.uniform(6, 13),
                    len(facades),
                )
            )
            edge += wide if side < 0 else wide + dice.uniform(0, 3)
    speed = dice.uniform(0.7, 1.1)
    return Street(
        weather, haze.haze_colour, 0.003, kerb, walk, speed, facades,
        _cast(dice, kerb, walk, speed), dice.uniform(1.15, 1.3), dice.uniform(0.38, 0.44), entropy,
    )  # fmt: skip


def _cast(dice: Dice, kerb: float, walk: float, speed: float) -> list[Actor]:
    """Traffic, people, trees and posts; cars and people come close."""
    actors: list[Actor] = []

    def add(
        what: str,
        x: float,
        depth: float,
        vx: float = 0.0,
        vz: float = 0.0,
        facing: str | None = None,
    ) -> None:
        name = {"oncoming": "car", "ahead": "car", "parked": "car"}.get(what, what)
        colour = pick_colour(dice, name) if name in COLOURED else None
        actors.append(Actor(what, x, depth, vx, vz, len(actors), colour, facing))

    for n in range(7):
        add("parked", kerb - 1.0, 8.0 + n * dice.uniform(6.2, 7.2))
    for depth in (16.0, 38.0, 62.0):
        add("oncoming", -kerb * 0.5, depth + dice.uniform(-3, 3), 0.0, dice.uniform(-5.5, -4.5))
    add("ahead", 0.9, dice.uniform(9, 11), 0.0, dice.uniform(1.0, 1.6))
    add("bus", -kerb * 0.5, dice.uniform(75, 85), 0.0, -4.6)
    add("bicyclist", -0.9, dice.uniform(7.5, 8.5), 0.02, dice.uniform(1.2, 1.5), "back")
    # people who cross the street before the camera, as far from it at the end as at the start
    for start, way in ((-2.6, 1.0), (3.0, -1.0), (-8.5, 1.0), (9.5, -1.0)):
        add("person", start, dice.uniform(4.6, 6.4), way * dice.uniform(0.95, 1.2), speed, "side")
    for n in range(4):
        toward = dice.chance(0.5)
        x = dice.sign() * (kerb + walk * dice.uniform(0.15, 0.5))
        facing = "front" if toward else "back"
        add("person", x, 6.5 + n * 2.5, 0.0, -0.3 if toward else 1.2, facing)
    add("dog", -3.4, 5.6, 1.05, speed)
    for n in range(6):
        add("tree", kerb + walk + 2.4, 7.0 + n * 8.5)
        add("pole", -kerb - 0.5, 5.0 + n * 14.0)
    add("sign", kerb + 0.5, 13.0)
    add("sign", -kerb - 0.5, 21.0)
    add("signal", kerb + 0.5, 27.0)
    return actors


def _draw_actor(
    scene: DisplayList, street: Street, actor: Actor, x: float, depth: float, seconds: float
) -> None:
    camera, dice = scene.camera, street.dice(2, actor.key)
    metre = camera.focal / depth
    px, py = camera.centre + x * metre, camera.ground_y(depth)
    scene.anchor = (px, py)
    scene.at_depth(depth)
    phase = math.sin(seconds * 6.0 + actor.key)
    heading = 1.0 if actor.speed_x > 0 else -1.0
    what, colour = actor.what, actor.colour
    if what in ("parked", "oncoming", "ahead"):
        yaw = math.pi if what == "oncoming" else 0.0
        draw_car(scene, dice, x, depth, yaw, ground="road", colour=colour)
    elif what == "bus":
        draw_bus(scene, dice, x, depth, math.pi, ground="road", colour=colour)
    elif what == "person":
        draw_person(scene, dice, px, py, metre * 1.75, ground="pavement", colour=colour, step=phase,
                    facing=actor.facing, mirror=heading)  # fmt: skip
    elif what == "bicyclist":
        draw_bicyclist(scene, dice, px, py, metre * 1.85, ground="road", colour=colour,
                       step=(seconds * 0.9) % 2 - 1, facing=actor.facing, mirror=1.0)  # fmt: skip
    elif what == "dog":
        draw_dog(
            scene,
            dice,
            px,
            py,
            metre * 0.85,
            ground="pavement",
            colour=colour,
            step=phase,
            mirror=1.0,
        )
    elif what == "tree":
        draw_tree(
            scene,
            dice,
            px,
            py,
            metre * 7.0,
            kind="bare" if actor.key % 3 == 0 else "leafy",
            ground="grass",
        )
    elif what == "pole":
        draw_pole(scene, dice, px, py, metre * 6.0, ground="pavement", kind="lamp")
    elif what == "sign":
        draw_sign(scene, dice, px, py, metre * 2.6, ground="pavement", size=metre * 0.4)
    elif what == "signal":
        draw_signal(scene, dice, px, py, metre * 3.2, ground="pavement")


def _draw_ground(scene: DisplayList, street: Street, travelled: float) -> None:
    kerb, walk = street.kerb, street.walk
    grass = Ground(scene, street.dice(3), "grass")
    grass.fill([(-3.0, scene.camera.horizon), (3.0, scene.camera.horizon), (3.0, 2.5), (-3.0, 2.5)])
    pavement = Ground(scene, street.dice(4), "pavement")
    for side in (-1.0, 1.0):
        pavement.fill(strip(scene, side * kerb, side * (kerb + walk), 0.9, 120))
    road = Ground(scene, street.dice(5), "road")
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
        for z in np.arange(first, 50.0, 6.0)
        if z + 2.4 > 1
    ]
    road.marks(np.array(dashes), (222.0, 222.0, 216.0))


def compose_moment(street: Street, seconds: float) -> DisplayList:
    """The street as the camera sees it after so many seconds."""
    travelled = street.speed * seconds
    sway = math.sin(seconds * 0.9) * 0.035
    horizon = street.horizon + 0.004 * math.sin(seconds * 2.1)
    scene = DisplayList(Camera(street.focal, 1.5, horizon, travelled, sway))
    scene.haze_colour, scene.haze_per_metre = street.haze_colour, street.haze_per_metre
    scene.roll = 0.006 * math.sin(seconds * 1.3)
    sky = street.dice(6)
    draw_sky(scene, sky, street.weather.sky, horizon)
    draw_clouds(scene, sky, street.weather.sky, horizon, 3)
    scene.soften(0.006)
    for n in range(3):
        dice = street.dice(7, n)
        scene.anchor = (sway, horizon)
        start = -30 + n * 20
        draw_building(
            scene, dice, (start, 95), (start + 20, 95), dice.uniform(7, 16), shop=False, roof="flat"
        )
    _draw_ground(scene, street, travelled)
    for facade in sorted(street.facades, key=lambda f: -f.far):
        if facade.far - travelled > 0.8:
            near = facade.near - travelled
            scene.anchor = (
                sway + scene.camera.focal * facade.x / max(facade.far - travelled, 0.4),
                horizon,
            )
            draw_building(
                scene,
                street.dice(8, facade.key),
                (facade.x, facade.far - travelled),
                (facade.x, near),
                facade.tall,
                roof="flat" if facade.x < 0 else None,
            )
    fence_x = street.kerb + street.walk + 1.0
    draw_fence(
        scene,
        street.dice(9),
        (fence_x, 44.0 - travelled),
        (fence_x, 15.0 - travelled),
        tall=1.2,
        kind="iron",
        colour="black",
        ground="grass",
    )
    places = [(actor, *actor.at(seconds)) for actor in street.actors]
    for actor, x, depth in sorted(places, key=lambda place: -place[2]):
        nearest = (
            3.2
            if actor.what in ("parked", "oncoming", "ahead")
            else 7.0
            if actor.what == "bus"
            else 2.2
        )
        if depth - travelled > nearest and depth - travelled < 100:
            _draw_actor(scene, street, actor, x, depth - travelled, seconds)
    return scene


def moving_scene(
    seed: int,
    *,
    namespace: str = "demo",
    frames: int,
    fps: float = 15,
    size_wh: tuple[int, int] = (640, 360),
) -> Iterator[Scene]:
    """A drive down a street, frame by frame, with exact labels.

    Cars, a bus, people, a bicyclist and a dog move; the camera drifts. The same arguments give
    the same frames, and a frame does not depend on how many are asked for.

    Raises:
        ValueError: for a namespace that has no moving scenes ("train") or a negative seed.
    """
    street = plan_street(seed, namespace)
    for frame in range(frames):
        shapes = compose_moment(street, frame / fps)
        dice = street.dice(10, frame)
        street.weather.noise_at = (dice.roll(), dice.roll())
        draft = Draft(shapes, street.weather, "moving", dice)
        parts = look(draft)
        yield Scene(
            image_hw3=expose(*paint(shapes, size_wh), street.weather),
            labels_hw=labels_of(shapes, size_wh),
            captions=write_captions(dice, parts, street.weather.time),
            namespace=namespace,
            seed=seed,
            parts=tuple((part.noun, part.colour, part.share) for part in parts),
        )
