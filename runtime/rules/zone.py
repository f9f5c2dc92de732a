"""Zones: named polygons in a stream's picture, in shares of its width and height."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from runtime.stream.stream import Stream

MOST_ZONES = 32
MOST_POINTS = 64
LONGEST_NAME = 64
#: Of the picture; what covers less is a line.
LEAST_AREA = 1e-5
#: Streams that share a zone may have different sizes.
KEPT_MASKS = 8
EXAMPLE = "yard=0.1,0.2 0.9,0.2 0.9,0.8"

__all__ = ["Zone", "change_zones", "check_zones", "clean_name", "make_zone", "read_zone"]


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        name: what rules call it.
        points: its corners (x, y), each in [0, 1].
    """

    name: str
    points: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        """The zone as it is typed: ``yard=0.1,0.2 0.9,0.2 0.9,0.8``."""
        return f"{self.name}={' '.join(f'{x!r},{y!r}' for x, y in self.points)}"

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "points": [list(point) for point in self.points]}

    def corners(self, size_wh: tuple[int, int]) -> np.ndarray:
        """The corners in a picture of this size: int32 (N, 2), each a pixel of it."""
        import numpy as np

        most = np.array(size_wh) - 1
        return np.rint(np.array(self.points) * most).astype(np.int32)

    def mask(self, size_wh: tuple[int, int]) -> np.ndarray:
        """Where it is in a picture of this size: uint8 (H, W), 255 inside, its outline included.

        Computed once for a size; not to be written to. At least one pixel is inside.
        """
        import cv2
        import numpy as np

        mask = self._masks.get(size_wh)
        if mask is None:
            mask = np.zeros(size_wh[::-1], np.uint8)
            cv2.fillPoly(mask, [self.corners(size_wh)], 255)
            if len(self._masks) >= KEPT_MASKS:
                self._masks.clear()
            self._masks[size_wh] = mask
        return mask

    @cached_property
    def _masks(self) -> dict[tuple[int, int], np.ndarray]:
        return {}


def clean_name(name: str) -> str:
    """A zone's name, blanks collapsed; raises ``ValueError`` in one line."""
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(f"a zone's name: expected a text of 1 to {LONGEST_NAME} letters")
    name = " ".join(name.split())
    if not name.isprintable():
        raise ValueError("a zone's name: expected letters that can be read")
    return name


def make_zone(name: str, points: Sequence[tuple[float, float]]) -> Zone:
    """A zone that can be used; raises ``ValueError`` in one line."""
    name = clean_name(name)
    if not 3 <= len(points) <= MOST_POINTS:
        raise ValueError(f"zone {name}: expected 3 to {MOST_POINTS} points, not {len(points)}")
    if not all(0.0 <= value <= 1.0 for point in points for value in point):
        raise ValueError(f"zone {name}: a point lies outside the picture; expected shares, 0 to 1")
    corners = tuple((float(x), float(y)) for x, y in points)
    if abs(_area(corners)) < LEAST_AREA:
        raise ValueError(f"zone {name}: its points lie on one line; draw around something")
    return Zone(name, corners)


def read_zone(text: str) -> Zone:
    """A zone as it is typed; raises ``ArgumentTypeError``.

    >>> read_zone("yard=0,0 1,0 1,1").points
    ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    """
    name, equals, corners = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=X,Y X,Y X,Y such as {EXAMPLE!r}")
    points = []
    for one in corners.split():
        x, _, y = one.partition(",")
        try:
            points.append((float(x), float(y)))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"zone {name.strip()}: {one!r} is no point; expected X,Y such as 0.1,0.2"
            ) from None
    try:
        return make_zone(name, points)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def check_zones(zones: Sequence[Zone]) -> None:
    """Refuse too many, and two of one name; raises ``ValueError`` in one line."""
    if len(zones) > MOST_ZONES:
        raise ValueError(f"zones: expected a list of at most {MOST_ZONES}")
    names = [zone.name for zone in zones]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"zones: {name!r} is there twice; give each its own name")


def change_zones(stream: Stream, zones: tuple[Zone, ...]) -> None:
    """Give a running stream other zones; every sink hears of it; from any thread."""
    stream.zones = zones
    names = ", ".join(zone.name for zone in zones) or "none"
    records = [zone.record() for zone in zones]
    stream.tell("zones-changed", f"zones: {names}", zones=records)


def _area(corners: tuple[tuple[float, float], ...]) -> float:
    """Signed, of the polygon."""
    after = (*corners[1:], corners[0])
    return sum(x * v - u * y for (x, y), (u, v) in zip(corners, after, strict=True)) / 2
