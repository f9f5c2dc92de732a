"""Bicyclists: a person who rides a bicycle."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import IMAGE, OUTLINE, DisplayList
from training.data.streetworld.geometry import disc
from training.data.streetworld.objects.figure import LEGWEAR, SKINS, Figure, draw_head
from training.data.streetworld.palette import Color, mix, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng

_HELMETS: tuple[Color, ...] = ((230, 230, 230), (40, 40, 44), (200, 40, 40), (50, 90, 190))


def _wheel(figure: Figure, x: float, radius: float, squeeze: float, frame: Color) -> None:
    ring = figure.at(disc(x, radius, radius * squeeze, radius, 16))
    figure.scene.fill(ring, (0, 0, 0), figure.thing, flags=OUTLINE)
    closed = np.vstack([ring, ring[:1]])
    figure.scene.lines([closed], max(0.03 * figure.tall, 0.006), (22, 22, 24), figure.thing)
    figure.disc(x, radius, 0.015 * squeeze, 0.015, frame, IMAGE)


def draw_bicyclist(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, *, ground: str | None = None,
    color: str | None = None, step: float | None = None, facing: str | None = None,
    mirror: float | None = None,
) -> int:  # fmt: skip
    """A person riding a bicycle; arguments as in ``draw_person``."""
    name = color or pick_color(rng, "bicyclist")
    thing = scene.thing("bicyclist", name, ground)
    view = facing or rng.weighted({"side": 3, "back": 1.5, "front": 1.2})
    figure = Figure(scene, thing, x, y, tall, mirror if mirror is not None else rng.sign())
    turn = (step if step is not None else rng.uniform(-1, 1)) * math.pi
    skin, top, trousers = rng.pick(SKINS), paint_of(rng, name), rng.pick(LEGWEAR)
    frame = paint_of(rng, rng.pick(("red", "blue", "black", "grey", "white", "green", "yellow")))
    helmet = rng.pick(_HELMETS) if rng.chance(0.5) else None
    scene.blend(
        figure.at(disc(0.0, 0.0, 0.42 if view == "side" else 0.16, 0.025)), (10, 10, 14), 0.4
    )
    if view == "side":
        _side_rider(figure, rng, turn, skin, top, trousers, frame)
        head = (0.2, 0.9)
    else:
        _end_rider(figure, turn, skin, top, trousers, frame, view)
        head = (0.0, 0.92)
    draw_head(figure, rng, head[0], head[1], 0.062, skin, view)
    if helmet is not None:
        _helmet(figure, head, helmet)
    return thing


def _side_rider(
    figure: Figure, rng: Rng, turn: float, skin: Color, top: Color, trousers: Color, frame: Color
) -> None:
    r = 0.2
    for wheel_x in (-0.3, 0.3):
        _wheel(figure, wheel_x, r, 1.0, frame)
    pedal, seat, bar = (-0.03, 0.2), (-0.12, 0.5), (0.22, 0.56)
    tubes = [
        ((-0.3, r), pedal),
        (pedal, seat),
        (seat, (-0.3, r)),
        (pedal, (0.21, 0.46)),
        ((-0.11, 0.45), (0.2, 0.48)),
        (bar, (0.3, r)),
    ]
    foot = (pedal[0] + 0.08 * math.cos(turn + math.pi), pedal[1] + 0.08 * math.sin(turn + math.pi))
    _leg(figure, (-0.11, 0.54), foot, -1.0, shade(trousers, 0.75))
    for (xa, ya), (xb, yb) in tubes:
        figure.limb(xa, ya, xb, yb, 0.026, 0.026, frame)
    figure.limb(-0.18, 0.51, -0.06, 0.51, 0.03, 0.02, (26, 24, 24))
    foot = (pedal[0] + 0.08 * math.cos(turn), pedal[1] + 0.08 * math.sin(turn))
    _leg(figure, (-0.11, 0.54), foot, -1.0, trousers)
    figure.polygon(
        [(-0.17, 0.52), (-0.05, 0.5), (0.17, 0.76), (0.16, 0.83), (0.08, 0.86), (-0.08, 0.72)], top
    )
    figure.limb(0.12, 0.78, 0.14, 0.62, 0.07, 0.05, shade(top, 0.85))
    figure.limb(
        0.14, 0.62, bar[0], bar[1], 0.05, 0.04, skin if rng.chance(0.5) else shade(top, 0.85)
    )
    figure.limb(0.14, 0.82, 0.18, 0.87, 0.05, 0.05, shade(skin, 0.85))


def _leg(
    figure: Figure, hip: tuple[float, float], foot: tuple[float, float], bent: float, color: Color
) -> None:
    kx = (hip[0] + foot[0]) / 2 - bent * 0.1
    ky = (hip[1] + foot[1]) / 2 + 0.05
    figure.limb(hip[0], hip[1], kx, ky, 0.1, 0.075, color)
    figure.limb(kx, ky, foot[0], foot[1], 0.07, 0.045, color)
    figure.limb(foot[0] - 0.03, foot[1], foot[0] + 0.07, foot[1], 0.035, 0.03, (30, 28, 28))


def _end_rider(
    figure: Figure, turn: float, skin: Color, top: Color, trousers: Color, frame: Color, view: str
) -> None:
    figure.limb(0.0, 0.0, 0.0, 0.4, 0.05, 0.045, (22, 22, 24))
    figure.limb(0.0, 0.38, 0.0, 0.55, 0.03, 0.03, frame)
    for s in (-1, 1):
        lift = 0.08 * math.sin(turn + (0 if s > 0 else math.pi))
        figure.limb(s * 0.05, 0.55, s * 0.085, 0.36 + lift, 0.1, 0.08, trousers)
        figure.limb(s * 0.085, 0.36 + lift, s * 0.075, 0.14 + lift, 0.07, 0.05, trousers)
        figure.limb(s * 0.075, 0.15 + lift, s * 0.08, 0.11 + lift, 0.06, 0.06, (30, 28, 28))
        figure.limb(s * 0.11, 0.8, s * 0.19, 0.66, 0.065, 0.055, shade(top, 0.84))
        figure.limb(s * 0.19, 0.66, s * 0.15, 0.56, 0.05, 0.04, skin)
    figure.limb(-0.17, 0.56, 0.17, 0.56, 0.025, 0.025, mix(frame, (20, 20, 20), 0.5))
    figure.polygon(
        [
            (-0.13, 0.8),
            (-0.05, 0.86),
            (0.05, 0.86),
            (0.13, 0.8),
            (0.1, 0.62),
            (0.1, 0.5),
            (-0.1, 0.5),
            (-0.1, 0.62),
        ],
        top,
    )
    figure.limb(0.0, 0.84, 0.0, 0.88, 0.05, 0.05, shade(skin, 0.85))
    front = view == "front"
    radius, lamp = (0.03, (250, 250, 230)) if front else (0.022, (220, 30, 26))
    figure.disc(0.0, 0.48 if front else 0.47, radius, radius, lamp, IMAGE)


def _helmet(figure: Figure, head: tuple[float, float], color: Color) -> None:
    hx, hy = head
    figure.polygon(
        [
            (hx - 0.07, hy + 0.01),
            (hx - 0.05, hy + 0.075),
            (hx + 0.01, hy + 0.095),
            (hx + 0.06, hy + 0.065),
            (hx + 0.075, hy + 0.015),
        ],
        color,
    )
