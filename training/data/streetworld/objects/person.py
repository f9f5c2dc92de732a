"""Persons, standing or walking."""

from __future__ import annotations

from typing import NamedTuple

from training.data.streetworld.drawing import DisplayList, Texture
from training.data.streetworld.geometry import disc
from training.data.streetworld.objects.figure import LEGWEAR, SKINS, Figure, draw_head
from training.data.streetworld.palette import Color, paint_of, pick_color, shade
from training.data.streetworld.rng import Rng


def draw_person(
    scene: DisplayList, rng: Rng, x: float, y: float, tall: float, *, ground: str | None = None,
    color: str | None = None, step: float | None = None, facing: str | None = None,
    mirror: float | None = None,
) -> int:  # fmt: skip
    """A standing or walking person, feet at (x, y), ``tall`` image heights. Returns the thing.

    ``step`` in [-1, 1] is the phase of the stride; None draws a random one.
    """
    name = color or pick_color(rng, "person")
    thing = scene.thing("person", name, ground)
    view = facing or rng.weighted({"front": 2, "back": 2, "side": 2.5})
    figure = Figure(scene, thing, x, y, tall, mirror if mirror is not None else rng.sign())
    stride = step if step is not None else rng.uniform(-1, 1)
    build = rng.uniform(0.88, 1.22)
    skin, top, trousers = rng.pick(SKINS), paint_of(rng, name), rng.pick(LEGWEAR)
    shoe = rng.pick(((28, 24, 22), (90, 60, 40), (225, 225, 225)))
    coat, skirt = rng.chance(0.3), rng.chance(0.2)
    cloth = scene.texture(Texture("plaster", 200, 1.2, offset=(rng.random(), rng.random())))
    bare = skin if skirt else trousers
    clothes = _Clothes(build, skin, top, bare, shoe, coat, skirt, cloth)
    scene.blend(figure.at(disc(0.05, 0.0, 0.2, 0.03)), (10, 10, 14), 0.4)
    if view == "side":
        _side(figure, rng, stride, clothes)
    else:
        _front(figure, stride, clothes)
    figure.limb(0.0, 0.83, 0.005, 0.89, 0.055, 0.05, shade(skin, 0.85))
    draw_head(figure, rng, 0.005, 0.93, 0.068, skin, view)
    return thing


class _Clothes(NamedTuple):
    """How broad a person is and what they wear."""

    build: float
    skin: Color
    top: Color
    legs: Color
    shoe: Color
    coat: bool
    skirt: bool
    cloth: int


def _side(figure: Figure, rng: Rng, stride: float, clothes: _Clothes) -> None:
    """Body and limbs seen from the side."""
    build, skin, top, bare, shoe, coat, _, cloth = clothes
    reach = 0.17 * stride
    figure.limb(-0.0, 0.5, -reach, 0.04, 0.11 * build, 0.06, shade(bare, 0.8))
    figure.limb(-reach - 0.03, 0.02, -reach + 0.08, 0.02, 0.05, 0.035, shoe)
    figure.limb(0.0, 0.8, reach * 0.9, 0.5, 0.065 * build, 0.05, shade(top, 0.7))
    figure.limb(0.0, 0.5, reach, 0.04, 0.115 * build, 0.065, bare)
    figure.limb(reach - 0.03, 0.02, reach + 0.08, 0.02, 0.05, 0.035, shoe)
    hem = 0.32 if coat else 0.46
    figure.polygon(
        [
            (-0.07 * build, 0.83),
            (0.05 * build, 0.84),
            (0.085 * build, 0.7),
            (0.085 * build, hem),
            (-0.095 * build, hem),
            (-0.085 * build, 0.7),
        ],
        top,
        texture=cloth,
    )
    if rng.chance(0.25):
        bag = rng.pick(LEGWEAR)
        figure.polygon([(-0.07, 0.82), (-0.17, 0.8), (-0.18, 0.56), (-0.08, 0.55)], bag)
    figure.limb(0.0, 0.8, -reach * 0.9 + 0.02, 0.46, 0.07 * build, 0.05, shade(top, 0.85))
    figure.disc(-reach * 0.9 + 0.02, 0.44, 0.028, 0.032, skin)


def _front(figure: Figure, stride: float, clothes: _Clothes) -> None:
    """Body and limbs seen from the front or from behind."""
    build, skin, top, bare, shoe, coat, skirt, cloth = clothes
    for s in (-1, 1):
        lift = 0.03 * max(0.0, s * stride)
        figure.limb(s * 0.055 * build, 0.52, s * 0.07, 0.04 + lift, 0.105 * build, 0.065, bare)
        figure.limb(s * 0.07, 0.05 + lift, s * 0.085, 0.0 + lift, 0.07, 0.075, shoe)
        out = 0.165 + 0.03 * abs(stride)
        figure.limb(s * 0.12 * build, 0.8, s * out * build, 0.46, 0.068, 0.05, shade(top, 0.84))
        figure.disc(s * out * build, 0.44, 0.028, 0.032, skin)
    hem = 0.3 if coat else (0.3 if skirt else 0.46)
    wide = 0.13 if coat or skirt else 0.095
    figure.polygon(
        [
            (-0.135 * build, 0.82),
            (-0.05, 0.86),
            (0.05, 0.86),
            (0.135 * build, 0.82),
            (0.1 * build, 0.6),
            (wide * build, hem),
            (-wide * build, hem),
            (-0.1 * build, 0.6),
        ],
        top,
        texture=cloth,
    )
