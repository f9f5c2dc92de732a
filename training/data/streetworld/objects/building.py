"""Buildings: facades with windows, doors and shops, on any upright plane of the street."""

from __future__ import annotations

import numpy as np

from training.data.streetworld.drawing import BOTH, GLOW, DisplayList, Texture
from training.data.streetworld.geometry import Points
from training.data.streetworld.objects.wall import Wall
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng

_STONES: tuple[Color, ...] = (
    (178, 168, 148),
    (198, 186, 160),
    (150, 142, 132),
    (128, 112, 98),
    (112, 76, 62),
    (146, 88, 68),
    (168, 104, 78),
    (210, 204, 194),
    (92, 86, 82),
    (190, 160, 118),
    (222, 212, 188),
    (134, 140, 146),
)


def window_grid(wall: Wall, rng: Rng, low: float, high: float) -> tuple[Points, float]:
    """Windows between two heights (metres): spans (n, 4), and the width of one in metres."""
    floor = rng.uniform(2.6, 3.4)
    storeys = max(int((high - low) / floor), 1)
    columns = int(min(max(wall.length / rng.uniform(1.8, 3.6), 2), 12))
    while storeys * columns > 60:
        columns = max(columns - 1, 1)
        storeys = min(storeys, 12)
    step = (high - low) / storeys
    wide, tall = rng.uniform(0.32, 0.7), rng.uniform(0.42, 0.68)
    u0 = (np.arange(columns) + (1 - wide) / 2) / columns
    v0 = low + (np.arange(storeys)[:, None] + 0.25) * step
    spans = np.empty((storeys, columns, 4))
    spans[:, :, 0] = u0
    spans[:, :, 1] = v0
    spans[:, :, 2] = u0 + wide / columns
    spans[:, :, 3] = v0 + tall * step
    return spans.reshape(-1, 4), wall.length * wide / columns


def draw_building(
    scene: DisplayList, rng: Rng, start: tuple[float, float], end: tuple[float, float],
    tall: float, *, color: str | None = None, ground: str | None = None, lit: bool = False,
    shop: bool | None = None, roof: str | None = None, dim: float = 1.0,
) -> int:  # fmt: skip
    """A facade from ``start`` to ``end`` ((x, depth) metres), ``tall`` metres high.

    Returns:
        Its thing number.
    """
    name = color or (pick_color(rng, "building") if rng.chance(0.5) else None)
    paint = (
        mix(paint_of(rng, name), (170, 165, 155), rng.uniform(0.1, 0.3)) if name else _stone(rng)
    )
    paint = shade(paint, dim)
    thing = scene.thing("building", name, ground)
    wall = Wall(scene, start, end, thing)
    scene.at_depth((start[1] + end[1]) / 2)
    grain = _grain(scene, rng, min(start[1], end[1]))
    kind = roof or rng.weighted({"flat": 3, "gable": 1.5, "slope": 2})
    draw_roof(wall, rng, kind, tall)
    wall.quads([(0, 0, 1, tall)], paint, texture=grain, flags=BOTH)
    shop = rng.chance(0.35) if shop is None else shop
    low = rng.uniform(2.9, 3.5) if shop and tall > 4.5 else 0.4
    glass = mix((40, 48, 58), (150, 170, 190), rng.random() ** 2 * 0.8)
    if tall - low > 1.6:
        style = rng.weighted({"punched": 4, "bands": 0.6, "glass": 0.5})
        _windows(wall, rng, low, tall, paint, glass, lit, style)
    if shop and tall > 4.5:
        _shop(wall, rng, low, lit, dim)
    else:
        _door(wall, rng, paint, dim)
    wall.quads([(0, tall - 0.35, 1, tall - 0.1)], shade(paint, 0.75))
    wall.flush()
    return thing


def _door(wall: Wall, rng: Rng, paint: Color, dim: float) -> None:
    u = rng.uniform(0.1, 0.8)
    wide = min(1.1 / max(wall.length, 1.0), 0.2)
    door = shade(paint_of(rng, rng.pick(("brown", "red", "green", "black", "white", "blue"))), dim)
    wall.quads([(u - wide * 0.15, 0, u + wide * 1.15, 2.3)], shade(paint, 1.2))
    wall.quads([(u, 0, u + wide, 2.15)], door)


def _grain(scene: DisplayList, rng: Rng, near: float) -> int:
    """The texture of a wall whose nearest end is ``near`` metres away."""
    tile = rng.weighted({"plaster": 3, "brick": 2.5, "planks": 0.7, "metal": 0.6})
    return scene.texture(
        Texture(
            tile,
            min(max(rng.uniform(18, 30) * near / scene.camera.focal, 60), 400),
            rng.uniform(0.7, 1.3),
            offset=(rng.random(), rng.random()),
        )
    )


def _stone(rng: Rng) -> Color:
    base = rng.pick(_STONES)
    return shade(
        (
            base[0] + rng.uniform(-14, 14),
            base[1] + rng.uniform(-14, 14),
            base[2] + rng.uniform(-14, 14),
        ),
        rng.uniform(0.75, 1.12),
    )


def draw_roof(wall: Wall, rng: Rng, kind: str, tall: float) -> None:
    """A "gable" or "slope" with its chimney above a wall ``tall`` metres high; "flat": none."""
    if kind == "flat":
        return
    scene = wall.scene
    tiles = rng.pick(
        ((120, 66, 52), (92, 58, 48), (70, 72, 78), (96, 94, 92), (140, 84, 60), (58, 60, 70))
    )
    rise = min(rng.uniform(0.25, 0.5) * wall.length, 3.4)
    if kind == "gable":
        outline = [(-0.03, tall - 0.1), (1.03, tall - 0.1), (0.5, tall + rise)]
    else:
        top = tall + rise * 0.7
        outline = [(-0.02, tall - 0.1), (1.02, tall - 0.1), (0.93, top), (0.07, top)]
    grain = scene.texture(Texture("brick", 150, 1.0, offset=(rng.random(), rng.random())))
    wall.polygon(outline, tiles, texture=grain)
    if rng.chance(0.5):
        u = rng.uniform(0.12, 0.8)
        wide = min(0.9 / wall.length, 0.12)
        low = tall + rise * (0.2 if kind == "gable" else 0.6)
        wall.quads([(u, low, u + wide, tall + rise * 1.05)], shade(tiles, 0.9), flags=BOTH)


def _windows(
    wall: Wall, rng: Rng, low: float, tall: float, paint: Color, glass: Color, lit: bool, style: str
) -> None:
    if style == "bands":
        rows = max(int((tall - low) / 3.2), 1)
        step = (tall - low) / rows
        spans = np.array(
            [
                (0.02, low + n * step + 0.3 * step, 0.98, low + n * step + 0.8 * step)
                for n in range(rows)
            ]
        )
        wall.quads(spans, glass)
        return
    spans, width = window_grid(wall, rng, low, tall - 0.2)
    if style == "punched" and rng.chance(0.75):
        rim = np.array([-0.1 / wall.length, -0.1, 0.1 / wall.length, 0.1]) * min(width, 1.2)
        frame = rng.pick(((236, 234, 228), shade(paint, 1.3), shade(paint, 0.65)))
        wall.quads(spans + rim, frame)
    wall.quads(spans, glass)
    if lit:
        some = spans[[rng.chance(0.45) for _ in range(len(spans))]]
        wall.quads(some, (248, 214, 130), texture=GLOW)
    elif style == "punched" and len(spans) <= 24:
        bars = spans.copy()
        middle = (spans[:, 0] + spans[:, 2]) / 2
        thin = (spans[:, 2] - spans[:, 0]) * 0.05
        bars[:, 0], bars[:, 2] = middle - thin, middle + thin
        wall.quads(bars, (225, 222, 214))


def _shop(wall: Wall, rng: Rng, low: float, lit: bool, dim: float) -> None:
    panes = rng.integer(2, 4)
    spans = [((n + 0.06) / panes, 0.45, (n + 0.94) / panes, low - 0.85) for n in range(panes)]
    wall.quads(
        [(0.0, 0.0, 1.0, low - 0.1)],
        shade(paint_of(rng, rng.pick(("black", "brown", "grey", "green", "blue"))), dim),
    )
    wall.quads(spans, (235, 215, 160) if lit else (34, 40, 46), texture=GLOW if lit else 0)
    name = rng.pick(("red", "blue", "green", "black", "white", "brown", "grey"))
    paint = shade(paint_of(rng, name), dim)
    wall.quads([(0.03, low - 0.75, 0.97, low - 0.1)], paint)
    ink: Color = (30, 30, 34) if name in ("white", "yellow") else (240, 238, 230)
    letters: list[tuple[float, float, float, float]] = []
    u = rng.uniform(0.1, 0.35)
    while u < 0.85 and len(letters) < 12:
        wide = rng.uniform(0.02, 0.05)
        letters.append((u, low - 0.6, u + wide, low - rng.uniform(0.2, 0.3)))
        u += wide * 1.5
        if rng.chance(0.2):
            break
    wall.quads(letters, shade(ink, dim))
