"""The kinds of scenes; how often each comes is a variant's (variants.py)."""

from __future__ import annotations

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.drive import compose_drive
from training.data.streetworld.scenes.highstreet import compose_highstreet
from training.data.streetworld.scenes.layered import Plan, compose_layered
from training.data.streetworld.scenes.placing import OBJECTS, put
from training.data.streetworld.scenes.town import compose_town
from training.data.streetworld.scenes.weather import Weather

_ALL_BACKDROPS = {
    "sky": 3.0,
    "skyline": 1.0,
    "wood": 1.0,
    "far wood": 1.0,
    "wall": 1.0,
    "hedge": 0.8,
}
_ANY_GROUND = (("road",), ("pavement",), ("grass",), ("sand",), ("water",))

PLANS: dict[str, Plan] = {
    "kerbside": Plan(
        backdrops={"wall": 5.0, "hedge": 1.0, "skyline": 0.8},
        grounds=(
            ("pavement",),
            ("pavement", "road"),
            ("road",),
            ("grass", "road"),
            ("grass", "pavement"),
            ("pavement", "road"),
        ),
        things={
            "car": 0.7,
            "person": 0.8,
            "bus": 0.22,
            "bicyclist": 0.5,
            "pole": 0.4,
            "sign": 0.4,
            "tree": 0.2,
            "dog": 0.25,
        },
        horizon=(0.3, 0.75),
        scale=(0.9, 1.8),
    ),
    "beach": Plan(
        backdrops={"sky": 4.0, "far wood": 0.7, "skyline": 0.5},
        grounds=(
            ("water", "sand"),
            ("sand",),
            ("sand",),
            ("water", "sand", "pavement"),
            ("water", "sand", "grass"),
        ),
        things={"person": 0.8, "dog": 0.6, "boat": 0.7, "tree": 0.2, "sign": 0.15, "fence": 0.15},
        horizon=(0.15, 0.6),
        clouds=0.5,
        sun=0.3,
    ),
    "meadow": Plan(
        backdrops={"sky": 2.5, "far wood": 1.2, "wood": 1.2, "hedge": 1.5, "skyline": 0.3},
        grounds=(
            ("grass",),
            ("grass",),
            ("grass", "road"),
            ("grass", "pavement"),
            ("water", "grass"),
        ),
        things={
            "tree": 0.6,
            "dog": 0.5,
            "person": 0.4,
            "flower": 0.6,
            "fence": 0.45,
            "bicyclist": 0.2,
            "sign": 0.15,
        },
        horizon=(0.12, 0.65),
        blossoms=0.4,
    ),
    "waterside": Plan(
        backdrops={
            "sky": 2.5,
            "far wood": 1.5,
            "skyline": 1.5,
            "wood": 0.8,
            "wall": 0.5,
            "hedge": 0.5,
        },
        grounds=(
            ("water",),
            ("water",),
            ("water", "pavement"),
            ("water", "grass"),
            ("water", "road"),
        ),
        things={"boat": 1.4, "person": 0.25, "pole": 0.2, "fence": 0.15, "flower": 0.1},
        horizon=(0.12, 0.6),
        sun=0.2,
    ),
    "fenced": Plan(
        backdrops={"fence": 1.0},
        grounds=(("grass",), ("pavement",), ("sand",), ("road",), ("grass", "pavement")),
        things={"dog": 0.4, "flower": 0.5, "person": 0.3, "car": 0.2, "bicyclist": 0.2},
        horizon=(0.35, 0.7),
    ),
    "ground": Plan(
        grounds=(
            *_ANY_GROUND,
            ("grass", "sand"),
            ("water", "sand"),
            ("pavement", "road"),
            ("grass", "pavement"),
            ("sand", "road"),
        ),
        things={
            "dog": 0.3,
            "flower": 0.3,
            "person": 0.25,
            "car": 0.2,
            "bicyclist": 0.2,
            "boat": 0.3,
            "fence": 0.1,
            "sign": 0.1,
        },
        horizon=(-0.9, -0.2),
        blossoms=0.12,
    ),
    "crowd": Plan(
        backdrops={"wall": 1.0, "sky": 1.0, "hedge": 0.7, "skyline": 1.0},
        grounds=(("pavement",), ("road",), ("grass",), ("sand",)),
        things={"person": 4.0, "dog": 0.3, "bicyclist": 0.5, "flower": 0.2},
        horizon=(0.2, 0.6),
        scale=(1.0, 2.2),
    ),
    "anything": Plan(
        backdrops=_ALL_BACKDROPS,
        grounds=(
            *_ANY_GROUND,
            *_ANY_GROUND,
            ("water", "road"),
            ("sand", "road"),
            ("grass", "sand"),
            ("pavement", "grass"),
        ),
        things={noun: 0.2 for noun in OBJECTS if noun != "building"}
        | {"building": 0.15, "boat": 0.25, "bus": 0.3, "flower": 0.35, "dog": 0.3},
        horizon=(0.1, 0.7),
        scale=(1.0, 2.6),
    ),
    "sky": Plan(
        backdrops={"sky": 3.0, "far wood": 0.5, "skyline": 0.6},
        grounds=_ANY_GROUND,
        things={"tree": 0.3, "pole": 0.4, "sign": 0.25, "building": 0.15},
        horizon=(0.85, 1.25),
        clouds=0.7,
        sun=0.6,
    ),
    "sunset": Plan(
        backdrops={"sky": 3.0, "far wood": 1.0, "skyline": 0.6},
        grounds=(*_ANY_GROUND, ("water",), ("water", "sand")),
        things={"boat": 0.2, "tree": 0.15, "person": 0.15},
        horizon=(0.45, 1.2),
        clouds=0.35,
        sun=1.0,
        sun_radius=(0.06, 0.24),
    ),
}

_CLOSE: dict[str, float] = {
    "car": 1.2, "bus": 1.3, "person": 1.2, "bicyclist": 1.3, "dog": 1.5, "boat": 1.1, "flower": 1.6,
    "tree": 0.9, "pole": 0.9, "sign": 1.2, "fence": 1.2, "building": 0.8,
}  # fmt: skip
# Close-ups of what a tower that has seen all the world's mixture still takes for something else.
_STUDY: dict[str, float] = {
    "sign": 3.0, "bicyclist": 2.0, "dog": 1.8, "pole": 1.5, "boat": 1.2, "person": 1.2, "car": 1.0,
    "bus": 1.0, "flower": 1.0, "fence": 0.8,
}  # fmt: skip
_CLOSE_TALL: dict[str, tuple[float, float]] = {
    "car": (0.4, 1.0),
    "bus": (0.5, 1.1),
    "person": (0.6, 1.7),
    "bicyclist": (0.6, 1.2),
    "dog": (0.4, 0.95),
    "boat": (0.5, 1.0),
    "flower": (0.5, 1.2),
    "tree": (0.7, 1.5),
    "pole": (0.7, 1.6),
    "sign": (0.6, 1.5),
    "fence": (0.3, 0.9),
    "building": (0.7, 1.6),
}


_ANY_BACKDROP = Plan(
    backdrops=_ALL_BACKDROPS, grounds=_ANY_GROUND, horizon=(0.15, 0.85), clouds=0.2, sun=0.08
)
_PLAIN_BACKDROPS = (
    Plan(grounds=_ANY_GROUND, horizon=(-0.9, -0.2)),
    Plan(backdrops={"sky": 3.0, "wall": 1.0, "hedge": 1.0}, grounds=_ANY_GROUND,
         horizon=(0.15, 0.85)),
)  # fmt: skip


def compose_close(
    scene: DisplayList,
    rng: Rng,
    weather: Weather,
    noun: str | None = None,
    color: str | None = None,
    backdrop: Plan = _ANY_BACKDROP,
) -> None:
    """One thing that fills much of the image, on any ground, before any backdrop."""
    compose_layered(scene, rng, backdrop, weather)
    noun = noun or rng.weighted(_CLOSE)
    tall = rng.uniform(*_CLOSE_TALL[noun])
    y = min(max(scene.camera.horizon + 0.05, 0.45 + tall / 2) + rng.uniform(0.0, 0.2), 1.25)
    grounds = [
        thing.noun
        for thing in scene.things
        if thing.noun in ("road", "pavement", "grass", "sand", "water")
    ]
    ground = grounds[-1] if grounds else None
    put(scene, rng, noun, rng.bell(0, 0.15), y, tall, ground=ground, color=color, lit=weather.dark)


def compose(
    scene: DisplayList, rng: Rng, weather: Weather, kind: str, wanted: tuple[str, str] | None = None
) -> None:
    """Fills the list with a scene of a kind (any but "street", which has a camera of its own).

    ``wanted`` is a (color, noun) that has to stand in the scene, large.
    """
    if wanted is not None:
        compose_close(scene, rng, weather, wanted[1], wanted[0])
    elif kind == "drive":
        compose_drive(scene, rng, weather)
    elif kind == "town":
        compose_town(scene, rng, weather)
    elif kind == "highstreet":
        compose_highstreet(scene, rng, weather)
    elif kind == "close":
        compose_close(scene, rng, weather)
    elif kind == "study":
        compose_close(scene, rng, weather, rng.weighted(_STUDY))
    elif kind == "plain":
        compose_close(scene, rng, weather, backdrop=rng.pick(_PLAIN_BACKDROPS))
    else:
        compose_layered(scene, rng, PLANS[kind], weather)
