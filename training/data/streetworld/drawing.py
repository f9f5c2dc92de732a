"""A scene as a list of shapes: composed once, then painted as image, labels or occupancy.

Coordinates: y runs from 0 (upper edge) to 1 (lower edge), x from the middle of the image in
the same unit, so that nothing depends on the number of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from training.data.streetworld.geometry import Camera, Points
from training.data.streetworld.palette import Color, mix

FILL, FILLS, LINES, BLEND, STIPPLE, GRADIENT, SOFTEN = range(7)
IMAGE, OUTLINE, BOTH = 1, 2, 3  # who draws a shape: the image, the masks, or both
GLOW = -1  # texture number of things that shine by themselves


class Texture(NamedTuple):
    """How a surface is textured.

    Attributes:
        tile: name of a tile of :mod:`textures`.
        texels: tile pixels per image height, or per metre where ``ground`` is set.
        strength: scales the contrast.
        ground: whether it lies on the ground, in perspective.
        offset: where in the tile it begins, as shares of the tile.
        stretch: how many texels down there are for one across.
        anchor: the place of the image it is fixed to.
    """

    tile: str
    texels: float
    strength: float = 1.0
    ground: bool = False
    offset: tuple[float, float] = (0.0, 0.0)
    stretch: float = 1.0
    anchor: tuple[float, float] = (0.0, 0.0)


class Shape(NamedTuple):
    """One drawing step; ``first`` and ``points`` say which points of the list are its own."""

    kind: int
    first: int
    points: int
    color: tuple[float, float, float, float]
    thing: int
    flags: int
    extra: float | tuple[float, ...] | tuple[int, ...]


@dataclass
class Thing:
    """Something that has a name: a noun, maybe a color word, and what it stands on."""

    noun: str
    color: str | None = None
    ground: str | None = None
    word: str | None = None  # another word for this very thing, e.g. "taxi"


@dataclass
class DisplayList:
    """Collects shapes in painting order, far things first."""

    camera: Camera = field(default_factory=Camera)
    roll: float = 0.0
    haze_color: Color = (200.0, 205.0, 210.0)
    haze_per_metre: float = 0.0
    shapes: list[Shape] = field(default_factory=list)
    chunks: list[Points] = field(default_factory=list)
    loose: list[tuple[float, float]] = field(default_factory=list)
    things: list[Thing] = field(default_factory=lambda: [Thing("")])
    #: Of a moving street: for the number of a thing, the key of the actor that it is part of.
    actor_of_thing: dict[int, int] = field(default_factory=dict)
    textures: list[Texture] = field(default_factory=list)
    total: int = 0
    anchor: tuple[float, float] = (0.0, 0.0)  # new textures hold on to this place of the image
    haze: float = 0.0
    dim: float = (
        1.0  # brightness of what is drawn from now on: streets in the shade of a bright sky
    )

    polished: float = 0.0
    """How many of its cars are rounded, sober in color and mirror the sky (polished_car.py)."""

    def thing(self, noun: str, color: str | None = None, ground: str | None = None) -> int:
        """Registers something nameable and gives its number, to be passed to the shapes."""
        self.things.append(Thing(noun, color, ground))
        return len(self.things) - 1

    def at_depth(self, metres: float) -> None:
        """What follows is this far away: haze will cover it accordingly."""
        self.haze = 1.0 - math.exp(-self.haze_per_metre * max(metres, 0.0))

    def texture(self, texture: Texture) -> int:
        """Registers a surface's texture and gives its number (0 when the list is full)."""
        if len(self.textures) >= 35:
            return 0
        if self.anchor != (0.0, 0.0) and not texture.ground:
            texture = texture._replace(anchor=self.anchor)
        self.textures.append(texture)
        return len(self.textures)

    def _add(
        self,
        kind: int,
        points: Points | Sequence[tuple[float, float]],
        color: Color,
        thing: int,
        texture: int,
        flags: int,
        extra: float | tuple[float, ...] | tuple[int, ...] = 0.0,
    ) -> None:
        red, green, blue = mix(color, self.haze_color, self.haze) if self.haze > 0 else color
        if self.dim != 1.0:
            red, green, blue = red * self.dim, green * self.dim, blue * self.dim
        code = 255.0 if texture == GLOW else texture * 7.0
        count = len(points)
        # _make skips the argument handling of a named tuple: a scene has a hundred shapes.
        self.shapes.append(
            Shape._make((kind, self.total, count, (red, green, blue, code), thing, flags, extra))
        )
        self.total += count
        if isinstance(points, np.ndarray):
            if self.loose:
                self.chunks.append(np.array(self.loose))
                self.loose = []
            self.chunks.append(points)
        else:
            self.loose.extend(points)

    def points(self) -> Points:
        """Every point of every shape, (n, 2)."""
        if self.loose:
            self.chunks.append(np.array(self.loose))
            self.loose = []
        if len(self.chunks) != 1:
            self.chunks = [np.concatenate(self.chunks)]
        return self.chunks[0]

    def fill(
        self,
        points: Points | Sequence[tuple[float, float]],
        color: Color,
        thing: int = 0,
        *,
        texture: int = 0,
        flags: int = BOTH,
    ) -> None:
        """One filled polygon (n, 2)."""
        self._add(FILL, points, color, thing, texture, flags)

    def fills(
        self,
        polygons: Points,
        color: Color,
        thing: int = 0,
        *,
        texture: int = 0,
        flags: int = IMAGE,
    ) -> None:
        """Many filled polygons of one color that do not overlap, (k, n, 2)."""
        if len(polygons):
            corners = float(polygons.shape[1])
            self._add(FILLS, polygons.reshape(-1, 2), color, thing, texture, flags, corners)

    def polygons(
        self,
        points: Points,
        corners: int,
        color: Color,
        thing: int = 0,
        *,
        texture: int = 0,
        flags: int = BOTH,
    ) -> None:
        """Polygons of ``corners`` points each, given as one run of points (k * corners, 2)."""
        self._add(FILLS, points, color, thing, texture, flags, float(corners))

    def lines(
        self,
        polylines: Sequence[Points],
        width: float,
        color: Color,
        thing: int = 0,
        *,
        flags: int = IMAGE,
    ) -> None:
        """Open polylines of one width (image heights)."""
        if len(polylines):
            extra = (width, *(float(len(line)) for line in polylines))
            self._add(LINES, np.concatenate(polylines), color, thing, 0, flags, extra)

    def blend(
        self, points: Points | Sequence[tuple[float, float]], color: Color, alpha: float
    ) -> None:
        """A see-through polygon: shadows, glows, reflections. Masks never show it."""
        self._add(BLEND, points, color, 0, 0, IMAGE, alpha)

    def stipple(
        self,
        points: Points | Sequence[tuple[float, float]],
        color: Color,
        texels: float,
        cover: float,
        offset: tuple[float, float],
    ) -> None:
        """A polygon with holes, as twigs and loose leaves have; ``cover`` is the solid share."""
        self._add(STIPPLE, points, color, 0, 0, IMAGE, (texels, cover, *offset, *self.anchor))

    def gradient(self, upper: Color, lower: Color, thing: int, horizon: float) -> None:
        """Fills the whole image, from ``upper`` to ``lower`` at y = ``horizon``."""
        all_of_it = [(-2.0, -2.0), (2.0, -2.0), (2.0, 3.0), (-2.0, 3.0)]
        self._add(GRADIENT, all_of_it, upper, thing, 0, BOTH, (*lower, horizon))

    def soften(self, width: float) -> None:
        """Blurs what is painted so far by ``width`` image heights: clouds, the sun's glow."""
        if len(self.shapes) < 2:
            return  # a bare gradient is smooth already
        self.shapes.append(Shape(SOFTEN, 0, 0, (0.0, 0.0, 0.0, 0.0), 0, IMAGE, width))
