"""Scenes built in layers: a backdrop, bands of ground, things on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, Points, box
from training.data.streetworld.objects.building import draw_building
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.flower import draw_bloom
from training.data.streetworld.objects.ground import GROUNDS, Ground
from training.data.streetworld.objects.sky import draw_clouds, draw_sky, draw_sun
from training.data.streetworld.objects.wood import draw_treeline
from training.data.streetworld.palette import paint_of, pick_color, shade
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.placing import HEIGHTS, put
from training.data.streetworld.scenes.weather import Weather


@dataclass
class Plan:
    """What a layered scene may hold; the rng chooses within it."""

    backdrops: Mapping[str, float] = field(default_factory=lambda: {"sky": 1.0})
    grounds: Sequence[Sequence[str]] = (("grass",),)  # one choice: the bands, far to near
    things: Mapping[str, float] = field(default_factory=dict)  # mean number of each
    horizon: tuple[float, float] = (0.2, 0.65)
    scale: tuple[float, float] = (0.9, 2.2)  # how large things are, 1 = as seen from 1.5 m
    clouds: float = 0.4
    sun: float = 0.12
    sun_radius: tuple[float, float] = (0.045, 0.14)  # image heights
    blossoms: float = 0.0  # chance of a field of flowers


def _edge(rng: Rng, y: float, curved: bool) -> list[tuple[float, float]]:
    slope = rng.bell(0, 0.06)
    wave, phase = rng.uniform(0, 0.03) if curved else 0.0, rng.uniform(0, 6.3)
    xs = np.linspace(-1.5, 1.5, 13 if curved else 2)
    return [(float(x), y + slope * x + wave * math.sin(5 * x + phase)) for x in xs]


def draw_backdrop(
    scene: DisplayList, rng: Rng, plan: Plan, weather: Weather, horizon: float
) -> None:
    """What stands behind the ground: sky with its clouds and sun, or walls, woods, fences."""
    kind = rng.weighted(plan.backdrops)
    open_sky = kind in ("sky", "skyline", "wood", "far wood")
    if open_sky:
        _open_sky(scene, rng, plan, weather, horizon)
    base = horizon + 0.015
    scene.at_depth(40)
    if kind == "wall":
        _walls(scene, rng, weather, base, 1.6)
    elif kind == "skyline":
        _walls(scene, rng, weather, base, rng.uniform(0.3, 0.8) * max(horizon, 0.15))
    elif kind == "wood":
        draw_treeline(
            scene,
            rng,
            -1.2,
            1.2,
            base,
            rng.uniform(0.35, 0.9) * max(horizon, 0.2),
            bare=rng.chance(0.25),
        )
    elif kind == "far wood":
        draw_treeline(scene, rng, -1.2, 1.2, base, rng.uniform(0.05, 0.16), bare=rng.chance(0.2))
    elif kind == "hedge":
        draw_treeline(scene, rng, -1.2, 1.2, base, 1.8, bare=rng.chance(0.2), ragged=0.1)
    elif kind == "fence":
        draw_treeline(scene, rng, -1.2, 1.2, base, 1.8, ragged=0.1)


def _open_sky(scene: DisplayList, rng: Rng, plan: Plan, weather: Weather, horizon: float) -> None:
    """Sky with its sun and clouds; what is drawn from then on may lie in the shade."""
    draw_sky(scene, rng, weather.sky, horizon)
    if rng.chance(plan.sun) and weather.time in ("day", "dusk") and weather.sky != "white":
        draw_sun(
            scene,
            rng,
            weather.sky,
            rng.uniform(-0.6, 0.6),
            rng.uniform(0.05, max(horizon * 0.8, 0.1)),
            rng.uniform(*plan.sun_radius),
        )
    if rng.chance(plan.clouds):
        draw_clouds(scene, rng, weather.sky, horizon, rng.integer(1, 4))
    scene.soften(rng.uniform(0.004, 0.012))
    scene.dim = weather.shaded


def _walls(scene: DisplayList, rng: Rng, weather: Weather, base: float, rise: float) -> None:
    """A row of facades along the horizon, ``rise`` image heights tall."""
    outer = scene.camera
    depth = rng.uniform(7, 14) if rise > 1 else rng.uniform(25, 60)
    scene.camera = replace(outer, height=(base - outer.horizon) * depth / outer.focal)
    edge = rng.uniform(-1.6, -1.2) * depth / outer.focal
    stop = 1.3 * depth / outer.focal
    slant = rng.bell(0, 0.12)
    while edge < stop:
        wide = rng.uniform(0.35, 1.3) * depth / outer.focal * (1.0 if rise > 1 else 0.5)
        tall = rise * depth / outer.focal * (1.0 if rise > 1 else rng.uniform(0.5, 1.2))
        near, far = depth + slant * edge, depth + slant * (edge + wide)
        draw_building(scene, rng, (edge, near), (edge + wide * 1.01, far), tall, lit=weather.dark)
        edge += wide * (1.0 if rise > 1 or rng.chance(0.7) else 1.3)
    scene.camera = outer


def _cut_bands(rng: Rng, count: int, horizon: float) -> list[float]:
    """Upper edges of so many grounds, far to near."""
    if horizon < 0:
        step = 1.0 / count
        return [-1.0] + [step * n + rng.uniform(-0.2, 0.2) * step for n in range(1, count)]
    room = 1.0 - horizon
    return [horizon] + [
        horizon + room * (n / count) ** 1.3 * rng.uniform(0.7, 1.2) for n in range(1, count)
    ]


def draw_bands(
    scene: DisplayList, rng: Rng, bands: Sequence[str], horizon: float
) -> list[tuple[str, float, float]]:
    """The grounds, far to near. Returns (noun, upper edge, lower edge) of each."""
    cuts = _cut_bands(rng, len(bands), horizon)
    laid = []
    for n, noun in enumerate(bands):
        ground = Ground(scene, rng, noun)
        edge = _edge(
            rng,
            cuts[n],
            (n > 0 and noun in ("sand", "grass", "water")) or (n > 0 and bands[n - 1] == "water"),
        )
        if n == 0:
            edge = [(-3.0, cuts[0]), (3.0, cuts[0])]
        elif noun == "pavement" or bands[n - 1] == "pavement":
            kerb = [(x, y - 0.012) for x, y in edge]
            scene.fill(
                kerb + edge[::-1], shade((170, 168, 162), rng.uniform(0.6, 1.1)), ground.thing
            )
        ground.fill([*edge, (3.0, 2.5), (-3.0, 2.5)])
        laid.append((noun, max(cuts[n], 0.0), cuts[n + 1] if n + 1 < len(cuts) else 1.1))
        if noun == "road" and rng.chance(0.7):
            _lane(scene, rng, ground, cuts[n], laid[-1][2])
    return laid


def _lane(scene: DisplayList, rng: Rng, ground: Ground, upper: float, lower: float) -> None:
    """Marks along a road seen from its side."""
    y = upper + (lower - upper) * rng.uniform(0.3, 0.7)
    thick = (y - upper + 0.05) * 0.06
    dash, gap = rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.2)
    slope = rng.bell(0, 0.03)
    x, marks = -0.9, []
    while x < 0.9:
        piece = box(x, y, x + dash, y + thick)
        piece[:, 1] += slope * piece[:, 0]
        marks.append(piece)
        x += dash + gap
    ground.marks(np.array(marks), rng.pick(((225, 225, 220), (200, 198, 190), (215, 180, 70))))


def _blossoms(scene: DisplayList, rng: Rng, upper: float, lower: float) -> None:
    """A field of small flowers on the ground, all of one color."""
    name = pick_color(rng, "flower")
    thing = scene.thing("flower", name, "grass")
    paint = paint_of(rng, name)
    for _ in range(rng.integer(8, 22)):
        y = upper + (lower - upper) * rng.random() ** 0.7
        size = 0.012 + 0.06 * (y - upper) / max(lower - upper, 0.1) * rng.uniform(0.6, 1.2)
        draw_bloom(
            scene,
            rng,
            rng.uniform(-0.75, 0.75),
            y,
            size,
            shade(paint, rng.uniform(0.8, 1.1)),
            thing,
        )


def _shadow_patch(scene: DisplayList, rng: Rng, horizon: float) -> None:
    x, y = rng.uniform(-0.8, 0.8), rng.uniform(max(horizon, 0) + 0.1, 1.1)
    wide, tall = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.25)
    patch: Points = np.array(
        [
            (x - wide, y - tall),
            (x + wide * 0.6, y - tall),
            (x + wide, y + tall),
            (x - wide * 0.7, y + tall),
        ]
    )
    scene.blend(patch, (10, 12, 24), rng.uniform(0.15, 0.5))


def _count(rng: Rng, mean: float) -> int:
    whole = int(mean)
    return whole + (1 if rng.chance(mean - whole) else 0)


def compose_layered(scene: DisplayList, rng: Rng, plan: Plan, weather: Weather) -> None:
    """Fills the display list with a layered scene."""
    horizon = rng.uniform(*plan.horizon)
    scene.camera = Camera(
        focal=rng.uniform(0.9, 1.7), height=rng.uniform(1.2, 3.0), horizon=horizon
    )
    if horizon < 0:
        scene.camera.height = rng.uniform(1.5, 4.0)
    scene.roll = rng.bell(0, 0.05) if rng.chance(0.5) else 0.0
    if horizon > -0.05:
        draw_backdrop(scene, rng, plan, weather, horizon)
    bands = rng.pick(plan.grounds)
    laid = draw_bands(scene, rng, bands, horizon)
    if plan.backdrops.get("fence") and horizon > 0:
        noun = laid[0][0]
        depth = rng.uniform(6, 12)
        outer = scene.camera
        scene.camera = replace(outer, height=rng.uniform(0.02, 0.1) * depth)
        draw_fence(scene, rng, (-14, depth), (14, depth * rng.uniform(0.9, 1.1)), ground=noun,
                   tall=rng.uniform(0.12, 0.5) * depth)  # fmt: skip
        scene.camera = outer
    if rng.chance(plan.blossoms):
        _blossoms(scene, rng, max(horizon, 0.0) + 0.1, 1.05)
    if weather.time == "day" and rng.chance(0.3):
        _shadow_patch(scene, rng, horizon)
    scatter(scene, rng, plan, weather, laid, horizon)


def scatter(
    scene: DisplayList,
    rng: Rng,
    plan: Plan,
    weather: Weather,
    laid: list[tuple[str, float, float]],
    horizon: float,
) -> None:
    """Puts the plan's things on the ground, far ones first."""
    zoom = rng.uniform(*plan.scale)
    spots = []
    for noun, mean in plan.things.items():
        for _ in range(_count(rng, mean * rng.uniform(0.4, 1.6))):
            band = rng.pick([b for b in laid if noun != "boat" or b[0] == "water"] or laid)
            low = max(band[1], max(horizon, -0.5) + 0.06)
            y = low + (max(min(band[2], 1.08), low + 0.02) - low) * rng.random()
            spots.append((y, noun, band[0]))
    for y, noun, ground in sorted(spots):
        near = max(y - horizon, 0.08) if horizon >= 0 else 0.35 + 0.5 * y
        tall = HEIGHTS[noun] * near / 1.6 * zoom * rng.uniform(0.8, 1.25)
        tall = min(tall, 1.5)
        put(scene, rng, noun, rng.uniform(-0.62, 0.62), y, tall, ground=ground, lit=weather.dark)


assert set(GROUNDS) == {"road", "pavement", "grass", "sand", "water"}
