"""Frontages of old town streets: shops with dark glass below, uneven windows above.

What :mod:`.building` leaves out and a real street is full of: panes that mirror the sky or show a
lit room, goods behind glass, ledges, pipes, sills.
"""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import BOTH, GLOW, DisplayList, Texture
from training.data.streetworld.geometry import Points
from training.data.streetworld.objects.building import draw_roof, window_grid
from training.data.streetworld.objects.wall import Wall
from training.data.streetworld.palette import Color, mix, paint_of, shade
from training.data.streetworld.rng import Rng

_WALLS: tuple[Color, ...] = (
    (196, 188, 170),
    (222, 218, 206),
    (150, 140, 126),
    (120, 104, 88),
    (112, 84, 70),
    (140, 100, 80),
    (168, 150, 120),
    (96, 92, 88),
    (176, 170, 160),
    (74, 70, 68),
)
_NAMED = {"brown": 2.0, "white": 2.0, "grey": 2.0, "red": 0.7, "yellow": 0.5}
_SKY: Color = (170, 186, 204)
_DARK_FRONTS = ("black", "green", "brown", "blue")
_LIGHT_FRONTS = ("white", "grey", "red", "blue")
_BANDS = ("red", "blue", "green", "black", "white", "brown")
_GOODS = ("brown", "grey", "white", "red")
_SHELVES = ("brown", "grey", "blue", "yellow")


def draw_frontage(
    scene: DisplayList, rng: Rng, start: tuple[float, float], end: tuple[float, float],
    tall: float, *, shop: bool, lit: bool = False, dim: float = 1.0, gloom: float = 1.0,
) -> int:  # fmt: skip
    """A frontage from ``start`` to ``end`` ((x, depth) metres), ``tall`` metres high.

    ``shop``: its ground floor is one; ``lit``: its windows shine; ``dim``: its share of the light;
    ``gloom``: what its ground floor gets of that.

    Returns:
        Its thing number.
    """
    name = rng.weighted(_NAMED) if rng.chance(0.3) else None
    paint = mix(paint_of(rng, name), (150, 146, 138), 0.3) if name else rng.pick(_WALLS)
    paint = shade(paint, rng.uniform(0.75, 1.1) * dim)
    wall = Wall(scene, start, end, scene.thing("building", name, None))
    near = min(start[1], end[1])
    scene.at_depth((start[1] + end[1]) / 2)
    grain = scene.texture(
        Texture(
            rng.weighted({"plaster": 3, "brick": 3, "metal": 0.4}),
            min(max(rng.uniform(18, 30) * near / scene.camera.focal, 60), 400),
            rng.uniform(0.7, 1.5),
            offset=(rng.random(), rng.random()),
        )
    )
    draw_roof(wall, rng, rng.weighted({"flat": 3, "slope": 2, "gable": 0.7}), tall)
    wall.quads([(0, 0, 1, tall)], paint, texture=grain, flags=BOTH)
    low = rng.uniform(3.0, 4.0) if shop and tall > 5 else 0.2
    _upper_floors(wall, rng, low, tall, paint, lit)
    if low > 1:
        _shop_front(wall, rng, low, lit, dim * gloom)
    else:
        _front_door(wall, rng, dim * gloom)
    _relief(wall, rng, low, tall, paint)
    wall.flush()
    return wall.thing


def _upper_floors(wall: Wall, rng: Rng, low: float, tall: float, paint: Color, lit: bool) -> None:
    """Windows, no two alike: dark, mirroring the sky, curtained, lit."""
    if tall - low < 2.4:
        return
    spans, width = window_grid(wall, rng, low, tall - 0.3)
    frame = rng.pick(((232, 230, 224), (206, 202, 194), shade(paint, 0.6), shade(paint, 1.25)))
    rim = np.array([-0.08, -0.08 * wall.length, 0.08, 0.08 * wall.length]) * min(width, 1.3)
    wall.quads(spans + rim / wall.length, frame)
    wall.quads(spans, (28, 32, 38))
    lot = np.array([rng.random() for _ in range(len(spans))])
    upper = spans.copy()
    upper[:, 1] += (upper[:, 3] - upper[:, 1]) * rng.uniform(0.2, 0.6)
    mirrored = mix((60, 66, 74), _SKY, rng.random())
    wall.quads(upper[lot < rng.uniform(0.1, 0.7)], mirrored)
    wall.quads(upper[lot > 0.9], (188, 182, 170))
    if lit:
        wall.quads(spans[(lot > 0.5) & (lot < 0.85)], (248, 214, 130), texture=GLOW)
    if len(spans) <= 40:
        wall.quads(_crossbars(spans, rng.uniform(0.4, 0.6)), frame)
    if rng.chance(0.6):
        sills = spans.copy()
        sills[:, 3] = sills[:, 1] - 0.05
        sills[:, 1] -= 0.2
        wall.quads(sills, shade(paint, rng.pick((0.6, 1.3))))


def _crossbars(spans: Points, share: float) -> Points:
    """The bar across each window, at a share of its height."""
    bars = spans.copy()
    middle = spans[:, 1] + (spans[:, 3] - spans[:, 1]) * share
    bars[:, 1], bars[:, 3] = middle - 0.05, middle + 0.05
    return bars


def _shop_front(wall: Wall, rng: Rng, low: float, lit: bool, dim: float) -> None:
    """Large dark panes with what stands behind them, under a band with the shop's name."""
    dark = rng.chance(0.65)
    name = rng.pick(_DARK_FRONTS if dark else _LIGHT_FRONTS)
    paint = shade(paint_of(rng, name), dim * (0.6 if dark else 0.9))
    wall.quads([(0.0, 0.0, 1.0, low)], paint)
    count = max(2, int(wall.length / rng.uniform(1.6, 3.2)))
    sill, head = rng.uniform(0.2, 0.8), low - rng.uniform(0.7, 1.0)
    left = np.arange(count) / count
    panes = np.stack(
        [left + 0.08 / count, np.full(count, sill), left + 0.92 / count, np.full(count, head)], 1
    )
    glass: Color = mix((16, 18, 20), (70, 78, 86), rng.random() ** 2)
    wall.quads(panes, (235, 215, 160) if lit else glass, texture=GLOW if lit else 0)
    _behind_glass(wall, rng, panes, glass)
    band = paint
    if not rng.chance(0.5):
        band = shade(paint_of(rng, rng.pick(_BANDS)), dim * 0.8)
    wall.quads([(0.01, head + 0.15, 0.99, low - 0.12)], band)
    ink: Color = (30, 30, 34) if sum(band) > 420 else (214, 206, 186)
    _letters(wall, rng, head + 0.3, low - 0.25, ink)
    wall.quads([(0.0, low - 0.1, 1.0, low + 0.08)], shade(paint, rng.pick((0.7, 1.6))))


def _behind_glass(wall: Wall, rng: Rng, panes: Points, glass: Color) -> None:
    """Goods, shelves, lamps, and the other side of the street in the mirror."""
    goods = _inside(rng, panes, 0.5, (0.02, 0.4))
    wall.quads(goods, shade(paint_of(rng, rng.pick(_GOODS)), 0.45))
    shelves = _inside(rng, panes, 0.7, (0.0, 0.6))
    wall.quads(shelves, shade(paint_of(rng, rng.pick(_SHELVES)), 0.35))
    if rng.chance(0.6):
        spots = _inside(rng, panes, 0.8, (0.7, 0.95))
        middle = (spots[:, 1] + spots[:, 3]) / 2
        spots[:, 1], spots[:, 3] = middle - 0.07, middle + 0.07
        spots[:, 2] = spots[:, 0] + 0.15 / wall.length
        wall.quads(spots, (232, 206, 150))
    if rng.chance(0.5):
        mirrored = _inside(rng, panes, 0.6, (0.3, 1.0))
        wall.quads(mirrored, mix(glass, _SKY, rng.uniform(0.1, 0.5)))


def _inside(rng: Rng, panes: Points, share: float, heights: tuple[float, float]) -> Points:
    """A rectangle in some of the panes, between two shares of their height."""
    chosen = panes[[rng.chance(share) for _ in range(len(panes))]].copy()
    tall = chosen[:, 3] - chosen[:, 1]
    wide = chosen[:, 2] - chosen[:, 0]
    at = np.array([rng.random() for _ in range(len(chosen))])
    chosen[:, 3] = chosen[:, 1] + tall * (heights[0] + (heights[1] - heights[0]) * (0.4 + 0.6 * at))
    chosen[:, 1] += tall * heights[0]
    chosen[:, 0] += wide * 0.6 * at
    chosen[:, 2] = np.minimum(chosen[:, 2], chosen[:, 0] + wide * rng.uniform(0.25, 0.7))
    return chosen


def _letters(wall: Wall, rng: Rng, low: float, high: float, ink: Color) -> None:
    letters: list[tuple[float, float, float, float]] = []
    u = rng.uniform(0.1, 0.4)
    while u < 0.85 and len(letters) < 14 and high - low > 0.08:
        wide = rng.uniform(0.12, 0.3) / wall.length
        letters.append((u, low, u + wide, high - rng.uniform(0, 0.3) * (high - low)))
        u += wide * 1.6
    if letters:
        wall.quads(letters, ink)


def _front_door(wall: Wall, rng: Rng, dim: float) -> None:
    u = rng.uniform(0.1, 0.8)
    wide = min(1.1 / max(wall.length, 1.0), 0.2)
    door = paint_of(rng, rng.pick(("brown", "red", "green", "black", "white", "blue")))
    wall.quads([(u - wide * 0.2, 0, u + wide * 1.2, 2.6)], shade((200, 194, 182), dim))
    wall.quads([(u, 0, u + wide, 2.15)], shade(door, dim * 0.8))


def _relief(wall: Wall, rng: Rng, low: float, tall: float, paint: Color) -> None:
    """Ledges with the shadow under them, and pipes."""
    ledges = [tall - 0.25] + [rng.uniform(low, tall) for _ in range(rng.integer(0, 2))]
    wall.quads([(0, v, 1, v + 0.14) for v in sorted(ledges)], shade(paint, 1.2))
    wall.quads([(0, v - 0.12, 1, v) for v in sorted(ledges)], shade(paint, 0.6))
    if rng.chance(0.5):
        wide = 0.12 / wall.length
        u = rng.pick((0.02, 0.97, rng.uniform(0.1, 0.9)))
        wall.quads([(u, 0.0, u + wide, tall - 0.3)], rng.pick(((40, 40, 42), shade(paint, 0.6))))
