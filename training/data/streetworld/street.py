"""What a moving street consists of: houses, traffic and people, and how they go."""

from __future__ import annotations

from dataclasses import dataclass

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.palette import COLORED, pick_color
from training.data.streetworld.rng import NAMESPACE_KEYS, NAMESPACES, Rng
from training.data.streetworld.scenes.weather import Weather, draw_weather

_CALLED = {"oncoming": "car", "ahead": "car", "parked": "car"}
_MOVING = 0x6D6F7665  # keeps these streams apart from the still scenes of the same namespace


@dataclass
class Actor:
    """A thing at (x, depth) metres at the start, its speed in metres a second, its own rng."""

    what: str
    x: float
    depth: float
    speed_x: float = 0.0
    speed_z: float = 0.0
    key: int = 0
    color: str | None = None
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
    haze_color: tuple[float, float, float]
    haze_per_metre: float
    kerb: float
    walk: float
    speed: float
    facades: list[Facade]
    actors: list[Actor]
    focal: float
    horizon: float
    entropy: tuple[int, ...]

    def rng(self, *key: int) -> Rng:
        """The rng of one part of the street."""
        return Rng(*self.entropy, *key)


def plan_street(seed: int, namespace: str, *, fair: bool = True) -> Street:
    """Chooses a street, its traffic and its people; ``fair``: on a clear day, by a good camera.

    Raises:
        ValueError: for a namespace that does not exist or a negative seed.
    """
    if namespace not in NAMESPACES:
        raise ValueError(f"a street needs a namespace of {NAMESPACES}, got {namespace!r}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    entropy = (NAMESPACE_KEYS[namespace], seed, _MOVING)
    rng = Rng(*entropy)
    haze = DisplayList()
    weather = draw_weather(rng, haze)
    while fair and (weather.time != "day" or weather.sky != "blue"):
        weather = draw_weather(rng, haze)
    if fair:
        weather.blur, weather.motion, weather.jpeg = 0.002, (0.0, 0.0), 0
        weather.noise, weather.shaded = 3, 1.0
        weather.saturation, weather.contrast = 0.95, 1.05
        weather.gain, weather.gamma = 1.1, 0.95
    kerb, walk = rng.uniform(3.2, 3.6), rng.uniform(2.4, 3.4)
    facades = _line_facades(rng, kerb + walk)
    speed = rng.uniform(0.7, 1.1)
    return Street(
        weather, haze.haze_color, 0.003, kerb, walk, speed, facades,
        _cast(rng, kerb, walk, speed), rng.uniform(1.15, 1.3), rng.uniform(0.38, 0.44), entropy,
    )  # fmt: skip


def _line_facades(rng: Rng, wall: float) -> list[Facade]:
    """Houses along both sides, ``wall`` metres from the middle of the road at least."""
    facades: list[Facade] = []
    for side in (-1.0, 1.0):
        edge = -12.0
        while edge < 90:
            wide = rng.uniform(6, 12)
            facades.append(
                Facade(
                    side * (wall + (0.0 if side < 0 else 4.5)),
                    edge + wide,
                    edge,
                    rng.uniform(6, 13),
                    len(facades),
                )
            )
            edge += wide if side < 0 else wide + rng.uniform(0, 3)
    return facades


def empty_street(street: Street, rng: Rng, share: float) -> None:
    """Take some kinds of things out of the street, each as likely as ``share``: where everything
    always comes with cars, captions cannot tell what a car is.
    """
    kinds = dict.fromkeys(_CALLED.get(actor.what, actor.what) for actor in street.actors)
    gone = {kind for kind in kinds if rng.chance(share)}
    street.actors = [
        actor for actor in street.actors if _CALLED.get(actor.what, actor.what) not in gone
    ]


def _cast(rng: Rng, kerb: float, walk: float, speed: float) -> list[Actor]:
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
        name = _CALLED.get(what, what)
        color = pick_color(rng, name) if name in COLORED else None
        actors.append(Actor(what, x, depth, vx, vz, len(actors), color, facing))

    for n in range(7):
        add("parked", kerb - 1.0, 8.0 + n * rng.uniform(6.2, 7.2))
    for depth in (16.0, 38.0, 62.0):
        add("oncoming", -kerb * 0.5, depth + rng.uniform(-3, 3), 0.0, rng.uniform(-5.5, -4.5))
    add("ahead", 0.9, rng.uniform(9, 11), 0.0, rng.uniform(1.0, 1.6))
    add("bus", -kerb * 0.5, rng.uniform(75, 85), 0.0, -4.6)
    add("bicyclist", -0.9, rng.uniform(7.5, 8.5), 0.02, rng.uniform(1.2, 1.5), "back")
    # people who cross the street before the camera, as far from it at the end as at the start
    for start, way in ((-2.6, 1.0), (3.0, -1.0), (-8.5, 1.0), (9.5, -1.0)):
        add("person", start, rng.uniform(4.6, 6.4), way * rng.uniform(0.95, 1.2), speed, "side")
    for n in range(4):
        toward = rng.chance(0.5)
        x = rng.sign() * (kerb + walk * rng.uniform(0.15, 0.5))
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
