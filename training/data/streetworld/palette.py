"""The words of the world: class names, color names and what is held out."""

from __future__ import annotations

import colorsys

from training.data.streetworld.rng import Rng

CLASS_NAMES: tuple[str, ...] = (
    "sky", "road", "pavement", "grass", "sand", "water", "building", "tree", "pole", "sign",
    "fence", "car", "bus", "person", "bicyclist", "dog", "boat", "flower", "sun", "cloud",
)  # fmt: skip
IGNORE_LABEL = 255

Color = tuple[float, float, float]  # R, G, B in 0..255

# hue range (turns), saturation range, value range
_HSV: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-0.02, 0.015), (0.7, 0.95), (0.5, 0.9)),
    "orange": ((0.05, 0.085), (0.75, 1.0), (0.8, 1.0)),
    "yellow": ((0.125, 0.165), (0.65, 1.0), (0.8, 1.0)),
    "green": ((0.28, 0.42), (0.45, 0.9), (0.3, 0.75)),
    "blue": ((0.56, 0.65), (0.55, 0.9), (0.4, 0.9)),
    "purple": ((0.74, 0.81), (0.45, 0.8), (0.4, 0.8)),
    "pink": ((0.88, 0.95), (0.3, 0.55), (0.88, 1.0)),
    "brown": ((0.04, 0.08), (0.45, 0.7), (0.25, 0.45)),
    "black": ((0.0, 1.0), (0.0, 0.2), (0.06, 0.17)),
    "white": ((0.0, 1.0), (0.0, 0.05), (0.88, 1.0)),
    "grey": ((0.0, 1.0), (0.0, 0.07), (0.38, 0.62)),
}
COLORS: tuple[str, ...] = tuple(_HSV)

HELD_OUT_COMPOSITIONS: tuple[tuple[str, str], ...] = (
    ("purple", "bus"),
    ("green", "dog"),
    ("orange", "boat"),
    ("white", "flower"),
    ("pink", "car"),
    ("blue", "fence"),
)

# How often each noun wears each color; a color that is missing is never worn.
COLORED: dict[str, dict[str, float]] = {
    "car": dict(zip(COLORS, (3, 1.5, 1.5, 1.5, 3, 1.2, 1, 0.8, 2.5, 3, 3), strict=True)),
    "bus": dict(zip(COLORS, (3, 2, 2, 2, 2.5, 1, 1, 0.4, 0.5, 2, 0.8), strict=True)),
    "dog": dict(zip(COLORS, (1, 1, 1.5, 1, 1, 1, 1, 4, 3, 2.5, 2), strict=True)),
    "boat": dict(zip(COLORS, (2.5, 1.5, 1.5, 1.5, 2.5, 1.2, 1, 1, 1, 3, 0.8), strict=True)),
    "flower": {"red": 2, "orange": 2, "yellow": 2, "blue": 1.5, "purple": 2, "pink": 2, "white": 2},
    "fence": dict(zip(COLORS, (1, 0.7, 0.7, 1.5, 1, 0.6, 0.3, 3, 2.5, 3, 2), strict=True)),
    "building": dict(zip(COLORS, (2, 1, 1.5, 1, 1, 0.6, 1, 2, 0.4, 3, 3), strict=True)),
    "sign": {"red": 2, "orange": 1, "yellow": 2, "green": 2, "blue": 3, "white": 2, "brown": 1},
    "person": dict(zip(COLORS, (2, 1, 1.5, 1.5, 2, 1, 1, 1, 3, 2, 1.5), strict=True)),
    "bicyclist": dict(zip(COLORS, (2, 1, 1.5, 1.5, 2, 1, 1, 0.5, 2, 2, 1), strict=True)),
    "tree": {"green": 8, "yellow": 1, "orange": 1, "red": 0.7, "pink": 0.5},
}


_WORN: dict[str, dict[str, float]] = {
    noun: {
        color: weight
        for color, weight in weights.items()
        if (color, noun) not in HELD_OUT_COMPOSITIONS
    }
    for noun, weights in COLORED.items()
}


def pick_color(rng: Rng, noun: str) -> str:
    """A color that this noun, one of COLORED, may wear outside the held-out compositions."""
    return rng.weighted(_WORN[noun])


def paint_of(rng: Rng, name: str) -> Color:
    """An RGB triple (0..255) that a person would call by the color word ``name``."""
    hue, saturation, value = (rng.uniform(*span) for span in _HSV[name])
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return red * 255, green * 255, blue * 255


def shade(color: Color, factor: float) -> Color:
    """``color`` made darker (factor < 1) or lighter (factor > 1), clipped at white."""
    return (
        min(color[0] * factor, 255.0),
        min(color[1] * factor, 255.0),
        min(color[2] * factor, 255.0),
    )


def mix(first: Color, second: Color, share: float) -> Color:
    """``share`` of ``second`` in ``first``; 0 gives ``first``, 1 gives ``second``."""
    keep = 1.0 - share
    return (
        first[0] * keep + second[0] * share,
        first[1] * keep + second[1] * share,
        first[2] * keep + second[2] * share,
    )
