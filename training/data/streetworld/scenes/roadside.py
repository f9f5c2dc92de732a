"""What lines a street: facades, gardens, woods and fences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data.streetworld.drawing import DisplayList, Texture
from training.data.streetworld.objects.building import draw_building
from training.data.streetworld.objects.fence import draw_fence
from training.data.streetworld.objects.sign import draw_plate
from training.data.streetworld.palette import Color, pick_color
from training.data.streetworld.rng import Rng
from training.data.streetworld.scenes.weather import Weather


@dataclass
class Side:
    """One side of the street: what lies beside the road, outwards."""

    sign: float
    style: str  # street, houses, trees, open
    kerb: float  # metres from the middle to the kerb
    walk: float  # width of the pavement
    verge: float  # width of the grass behind it
    dim: float  # brightness of what stands there

    @property
    def wall(self) -> float:
        """Metres from the middle to where walls and fences stand."""
        return self.kerb + self.walk + self.verge


def choose_side(rng: Rng, sign: float, style: str) -> Side:
    """The widths of one side of a street of this style."""
    walk = rng.uniform(1.5, 4.0) if style != "open" or rng.chance(0.3) else 0.0
    if style == "street" and rng.chance(0.06):
        walk = 0.4
    verge = 0.0 if style == "street" else rng.uniform(0.5, 5.0)
    lanes = rng.uniform(2.6, 4.2) if sign > 0 else rng.uniform(2.4, 6.5)
    return Side(sign, style, lanes, walk, verge, rng.uniform(0.35, 1.0) if rng.chance(0.4) else 1.0)


def line_side(scene: DisplayList, rng: Rng, side: Side, bend: float, weather: Weather) -> None:
    """Facades, or hedges and fences with trees, from far to near."""
    s = side.sign
    far = rng.uniform(55, 75)
    if side.style in ("street", "houses"):
        mean = rng.uniform(5, 14)
        back = side.wall + (0.0 if side.style == "street" else rng.uniform(1.0, 4.0))
        depth = far
        while depth > 1.0:
            wide = max(depth * 0.3, rng.uniform(4.0, 9.0))
            near = max(depth - wide, 0.6)
            tall = mean * rng.uniform(0.65, 1.35)
            start, end = (
                (s * back + bend * depth * depth, depth),
                (s * back + bend * near * near, near),
            )
            draw_building(scene, rng, start, end, tall, lit=weather.dark, dim=side.dim,
                          shop=None if side.style == "street" else False,
                          roof=None if rng.chance(0.4) else "flat")  # fmt: skip
            if side.style == "street" and rng.chance(0.35):
                hang_sign(scene, rng, s * (back - 0.5) + bend * near * near, near)
            depth = near - (0.0 if side.style == "street" or rng.chance(0.5) else rng.uniform(1, 4))
    elif side.style == "trees" and rng.chance(0.75):
        if rng.chance(0.4):
            back = side.wall + 9.0
            draw_building(
                scene,
                rng,
                (s * back, far),
                (s * back, 4.0),
                rng.uniform(7, 14),
                lit=weather.dark,
                dim=side.dim,
                shop=False,
            )
        line_park(scene, rng, side, far)
    if side.style != "street" and rng.chance(0.5):
        x = s * (side.wall if side.style != "open" else side.wall + 1)
        draw_side_fence(scene, rng, x, bend)


def hang_sign(scene: DisplayList, rng: Rng, x: float, depth: float) -> None:
    """A plate that hangs out from a facade over the pavement."""
    camera, metre = scene.camera, scene.camera.focal / max(depth, 1.5)
    depth = max(depth, 1.5)
    y = camera.ground_y(depth) - metre * rng.uniform(2.8, 4.2)
    draw_plate(scene, rng, camera.centre + x * metre, y, metre * rng.uniform(0.25, 0.5))


def line_park(scene: DisplayList, rng: Rng, side: Side, far: float) -> None:
    """A wood or hedge behind the pavement, as one band in perspective."""
    x = side.sign * (side.wall + 2.0)
    tall, bare = rng.uniform(3, 11), rng.chance(0.55)
    camera = scene.camera
    thing = scene.thing("tree", None if bare else "green")
    paint: Color = (
        (112, 94, 78) if bare else (rng.uniform(40, 90), rng.uniform(80, 125), rng.uniform(30, 60))
    )
    grain = scene.texture(
        Texture(
            "twigs" if bare else "leaves",
            rng.uniform(60, 160),
            rng.uniform(0.9, 1.4),
            offset=(rng.random(), rng.random()),
        )
    )
    depths = np.geomspace(far, 0.9, 14)
    tops = np.array([(x, tall * rng.uniform(0.7, 1.2), z) for z in depths])
    feet = np.array([(x, 0.0, 0.9), (x, 0.0, far)])
    scene.at_depth(20)
    scene.fill(camera.project(np.vstack([tops, feet])), paint, thing, texture=grain)
    shade_tops = tops * (1.0, 0.4, 1.0)
    dark = (paint[0] * 0.65, paint[1] * 0.65, paint[2] * 0.65)
    scene.fill(camera.project(np.vstack([shade_tops, feet])), dark, thing, texture=grain)


def draw_side_fence(scene: DisplayList, rng: Rng, x: float, bend: float) -> None:
    """A fence along the street, ``x`` metres from its middle."""
    color = pick_color(rng, "fence")
    kind = rng.weighted({"pickets": 2, "rails": 2, "iron": 3, "boards": 1})
    near, far = rng.uniform(1.0, 8.0), rng.uniform(14, 40)
    draw_fence(
        scene,
        rng,
        (x + bend * far * far, far),
        (x + bend * near * near, near),
        tall=rng.uniform(0.9, 2.0),
        color=color,
        kind=kind,
    )
