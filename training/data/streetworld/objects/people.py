"""Persons and bicyclists."""

from __future__ import annotations

import math

import numpy as np

from ..drawing import BOTH, IMAGE, OUTLINE, DisplayList, Points, Texture, disc, limb
from ..palette import Colour, mix, paint_of, pick_colour, shade
from ..randomness import Dice

_SKINS: tuple[Colour, ...] = ((240, 200, 172), (224, 176, 140), (176, 124, 88), (120, 80, 56), (84, 56, 42))
_HAIRS: tuple[Colour, ...] = ((34, 26, 22), (74, 50, 34), (140, 104, 60), (205, 178, 120), (160, 160, 162), (120, 52, 30))
_LEGWEAR: tuple[Colour, ...] = (
    (36, 42, 70), (26, 26, 30), (88, 92, 100), (120, 104, 80), (60, 76, 112), (150, 140, 122), (70, 40, 40),
)  # fmt: skip


class Figure:
    """A sprite frame: x to the side and y up, in units of the figure's own height."""

    def __init__(
        self, scene: DisplayList, thing: int, x: float, y: float, tall: float, mirror: float
    ) -> None:
        """Feet at (x, y) of the frame, `tall` frame heights, facing right when mirror is 1."""
        self.scene, self.thing = scene, thing
        self.x, self.y, self.tall, self.mirror = x, y, tall, mirror

    def at(self, points: Points) -> Points:
        """Figure coordinates to frame coordinates."""
        return points * (self.tall * self.mirror, -self.tall) + (self.x, self.y)

    def limb(
        self, x0: float, y0: float, x1: float, y1: float, w0: float, w1: float, colour: Colour,
        flags: int = BOTH, texture: int = 0,
    ) -> None:  # fmt: skip
        """A tapering stroke."""
        self.polygon(limb(x0, y0, x1, y1, w0, w1), colour, flags, texture)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: Colour, flags: int = BOTH) -> None:
        """An ellipse."""
        self.scene.fill(self.at(disc(x, y, rx, ry)), colour, self.thing, flags=flags)

    def polygon(self, points: list[tuple[float, float]], colour: Colour, flags: int = BOTH, texture: int = 0) -> None:
        """A filled polygon."""
        wide, tall, left, foot = self.tall * self.mirror, -self.tall, self.x, self.y
        placed = [(x * wide + left, y * tall + foot) for x, y in points]
        self.scene.fill(placed, colour, self.thing, flags=flags, texture=texture)


def _head(figure: Figure, dice: Dice, x: float, y: float, size: float, skin: Colour, facing: str) -> None:
    hair = dice.pick(_HAIRS)
    figure.disc(x, y, size * 0.8, size, skin if facing != "back" else hair)
    if facing == "front":
        cap = [(x - size * 0.85, y + size * 0.15), (x - size * 0.7, y + size * 0.9), (x, y + size * 1.12),
               (x + size * 0.7, y + size * 0.9), (x + size * 0.85, y + size * 0.15), (x, y + size * 0.55)]  # fmt: skip
        figure.polygon(cap, hair)
    elif facing == "side":
        cap = [(x - size * 0.9, y - size * 0.5), (x - size * 0.9, y + size * 0.6), (x - size * 0.2, y + size * 1.1),
               (x + size * 0.75, y + size * 0.75), (x + size * 0.6, y + size * 0.35), (x - size * 0.1, y + size * 0.2)]  # fmt: skip
        figure.polygon(cap, hair)
    if figure.tall > 0.45 and facing == "front":
        for dx in (-0.32, 0.32):
            figure.disc(x + dx * size, y + 0.1 * size, size * 0.1, size * 0.1, (30, 26, 26), IMAGE)
        figure.limb(x - 0.25 * size, y - 0.42 * size, x + 0.25 * size, y - 0.42 * size, 0.1 * size, 0.1 * size,
                    (150, 70, 64), IMAGE)  # fmt: skip


def draw_person(
    scene: DisplayList,
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    step: float | None = None,
    facing: str | None = None,
    mirror: float | None = None,
) -> int:
    """A standing or walking person, feet at (x, y), `tall` frame heights. Returns the thing.

    `step` in [-1, 1] is the phase of the stride; None draws a random one.
    """
    name = colour or pick_colour(dice, "person")
    thing = scene.thing("person", name, ground)
    view = facing or dice.weighted({"front": 2, "back": 2, "side": 2.5})
    figure = Figure(scene, thing, x, y, tall, mirror if mirror is not None else dice.sign())
    stride = step if step is not None else dice.uniform(-1, 1)
    build = dice.uniform(0.88, 1.22)
    skin, top, trousers = dice.pick(_SKINS), paint_of(dice, name), dice.pick(_LEGWEAR)
    shoe = dice.pick(((28, 24, 22), (90, 60, 40), (225, 225, 225)))
    coat, skirt = dice.chance(0.3), dice.chance(0.2)
    bare = skin if skirt else trousers
    cloth = scene.texture(Texture("plaster", 200, 1.2, offset=(dice.roll(), dice.roll())))
    scene.blend(figure.at(disc(0.05, 0.0, 0.2, 0.03)), (10, 10, 14), 0.4)
    if view == "side":
        reach = 0.17 * stride
        figure.limb(-0.0, 0.5, -reach, 0.04, 0.11 * build, 0.06, shade(bare, 0.8))
        figure.limb(-reach - 0.03, 0.02, -reach + 0.08, 0.02, 0.05, 0.035, shoe)
        figure.limb(0.0, 0.8, reach * 0.9, 0.5, 0.065 * build, 0.05, shade(top, 0.7))
        figure.limb(0.0, 0.5, reach, 0.04, 0.115 * build, 0.065, bare)
        figure.limb(reach - 0.03, 0.02, reach + 0.08, 0.02, 0.05, 0.035, shoe)
        hem = 0.32 if coat else 0.46
        figure.polygon([(-0.07 * build, 0.83), (0.05 * build, 0.84), (0.085 * build, 0.7), (0.085 * build, hem),
                        (-0.095 * build, hem), (-0.085 * build, 0.7)], top, texture=cloth)  # fmt: skip
        if dice.chance(0.25):
            bag = dice.pick(_LEGWEAR)
            figure.polygon([(-0.07, 0.82), (-0.17, 0.8), (-0.18, 0.56), (-0.08, 0.55)], bag)
        figure.limb(0.0, 0.8, -reach * 0.9 + 0.02, 0.46, 0.07 * build, 0.05, shade(top, 0.85))
        figure.disc(-reach * 0.9 + 0.02, 0.44, 0.028, 0.032, skin)
    else:
        for s in (-1, 1):
            lift = 0.03 * max(0.0, s * stride)
            figure.limb(s * 0.055 * build, 0.52, s * 0.07, 0.04 + lift, 0.105 * build, 0.065, bare)
            figure.limb(s * 0.07, 0.05 + lift, s * 0.085, 0.0 + lift, 0.07, 0.075, shoe)
            out = 0.165 + 0.03 * abs(stride)
            figure.limb(s * 0.12 * build, 0.8, s * out * build, 0.46, 0.068, 0.05, shade(top, 0.84))
            figure.disc(s * out * build, 0.44, 0.028, 0.032, skin)
        hem = 0.3 if coat else (0.3 if skirt else 0.46)
        wide = 0.13 if coat or skirt else 0.095
        figure.polygon([(-0.135 * build, 0.82), (-0.05, 0.86), (0.05, 0.86), (0.135 * build, 0.82),
                        (0.1 * build, 0.6), (wide * build, hem), (-wide * build, hem), (-0.1 * build, 0.6)],
                       top, texture=cloth)  # fmt: skip
    figure.limb(0.0, 0.83, 0.005, 0.89, 0.055, 0.05, shade(skin, 0.85))
    _head(figure, dice, 0.005, 0.93, 0.068, skin, view)
    return thing


def _wheel(figure: Figure, x: float, radius: float, squeeze: float, frame: Colour) -> None:
    ring = figure.at(disc(x, radius, radius * squeeze, radius, 16))
    figure.scene.fill(ring, (0, 0, 0), figure.thing, flags=OUTLINE)
    closed = np.vstack([ring, ring[:1]])
    figure.scene.lines([closed], max(0.03 * figure.tall, 0.006), (22, 22, 24), figure.thing)
    figure.disc(x, radius, 0.015 * squeeze, 0.015, frame, IMAGE)


def draw_bicyclist(
    scene: DisplayList,
    dice: Dice,
    x: float,
    y: float,
    tall: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    step: float | None = None,
    facing: str | None = None,
    mirror: float | None = None,
) -> int:
    """A person riding a bicycle; arguments as in `draw_person`."""
    name = colour or pick_colour(dice, "bicyclist")
    thing = scene.thing("bicyclist", name, ground)
    view = facing or dice.weighted({"side": 3, "back": 1.5, "front": 1.2})
    figure = Figure(scene, thing, x, y, tall, mirror if mirror is not None else dice.sign())
    turn = (step if step is not None else dice.uniform(-1, 1)) * math.pi
    skin, top, trousers = dice.pick(_SKINS), paint_of(dice, name), dice.pick(_LEGWEAR)
    frame = paint_of(dice, dice.pick(("red", "blue", "black", "grey", "white", "green", "yellow")))
    helmet = dice.pick(((230, 230, 230), (40, 40, 44), (200, 40, 40), (50, 90, 190))) if dice.chance(0.5) else None
    scene.blend(figure.at(disc(0.0, 0.0, 0.42 if view == "side" else 0.16, 0.025)), (10, 10, 14), 0.4)
    if view == "side":
        _side_rider(figure, dice, turn, skin, top, trousers, frame)
        head = (0.2, 0.9)
    else:
        _end_rider(figure, turn, skin, top, trousers, frame, view)
        head = (0.0, 0.92)
    _head(figure, dice, head[0], head[1], 0.062, skin, view)
    if helmet is not None:
        hx, hy = head
        figure.polygon([(hx - 0.07, hy + 0.01), (hx - 0.05, hy + 0.075), (hx + 0.01, hy + 0.095), (hx + 0.06, hy + 0.065),
                        (hx + 0.075, hy + 0.015)], helmet)  # fmt: skip
    return thing


def _side_rider(
    figure: Figure, dice: Dice, turn: float, skin: Colour, top: Colour, trousers: Colour, frame: Colour
) -> None:
    r = 0.2
    for wheel_x in (-0.3, 0.3):
        _wheel(figure, wheel_x, r, 1.0, frame)
    pedal, seat, bar = (-0.03, 0.2), (-0.12, 0.5), (0.22, 0.56)
    tubes = [((-0.3, r), pedal), (pedal, seat), (seat, (-0.3, r)), (pedal, (0.21, 0.46)), ((-0.11, 0.45), (0.2, 0.48)),
             (bar, (0.3, r))]  # fmt: skip
    bent = -1.0
    foot = (pedal[0] + 0.08 * math.cos(turn + math.pi), pedal[1] + 0.08 * math.sin(turn + math.pi))
    _leg(figure, (-0.11, 0.54), foot, bent, shade(trousers, 0.75))
    for (xa, ya), (xb, yb) in tubes:
        figure.limb(xa, ya, xb, yb, 0.026, 0.026, frame)
    figure.limb(-0.18, 0.51, -0.06, 0.51, 0.03, 0.02, (26, 24, 24))
    foot = (pedal[0] + 0.08 * math.cos(turn), pedal[1] + 0.08 * math.sin(turn))
    _leg(figure, (-0.11, 0.54), foot, bent, trousers)
    figure.polygon([(-0.17, 0.52), (-0.05, 0.5), (0.17, 0.76), (0.16, 0.83), (0.08, 0.86), (-0.08, 0.72)], top)
    figure.limb(0.12, 0.78, 0.14, 0.62, 0.07, 0.05, shade(top, 0.85))
    figure.limb(0.14, 0.62, bar[0], bar[1], 0.05, 0.04, skin if dice.chance(0.5) else shade(top, 0.85))
    figure.limb(0.14, 0.82, 0.18, 0.87, 0.05, 0.05, shade(skin, 0.85))


def _leg(figure: Figure, hip: tuple[float, float], foot: tuple[float, float], bent: float, colour: Colour) -> None:
    kx = (hip[0] + foot[0]) / 2 - bent * 0.1
    ky = (hip[1] + foot[1]) / 2 + 0.05
    figure.limb(hip[0], hip[1], kx, ky, 0.1, 0.075, colour)
    figure.limb(kx, ky, foot[0], foot[1], 0.07, 0.045, colour)
    figure.limb(foot[0] - 0.03, foot[1], foot[0] + 0.07, foot[1], 0.035, 0.03, (30, 28, 28))


def _end_rider(
    figure: Figure, turn: float, skin: Colour, top: Colour, trousers: Colour, frame: Colour, view: str
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
    figure.polygon([(-0.13, 0.8), (-0.05, 0.86), (0.05, 0.86), (0.13, 0.8), (0.1, 0.62), (0.1, 0.5), (-0.1, 0.5),
                    (-0.1, 0.62)], top)  # fmt: skip
    figure.limb(0.0, 0.84, 0.0, 0.88, 0.05, 0.05, shade(skin, 0.85))
    if view == "front":
        figure.disc(0.0, 0.48, 0.03, 0.03, (250, 250, 230), IMAGE)
    else:
        figure.disc(0.0, 0.47, 0.022, 0.022, (220, 30, 26), IMAGE)
