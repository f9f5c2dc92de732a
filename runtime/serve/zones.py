"""Zones as a request brings them."""

from __future__ import annotations

from typing import Any

from runtime.rules.zone import MOST_ZONES, Zone, check_zones, clean_name, make_zone
from runtime.serve.refusal import Refusal

__all__ = ["read_zones"]


def read_zones(given: Any) -> tuple[Zone, ...]:
    """Zones out of JSON; raises :class:`~runtime.serve.refusal.Refusal`."""
    if not isinstance(given, list) or len(given) > MOST_ZONES:
        raise Refusal(422, f"zones: expected a list of at most {MOST_ZONES}")
    try:
        zones = tuple(_read_zone(one) for one in given)
        check_zones(zones)
    except ValueError as error:
        raise Refusal(422, str(error)) from None
    return zones


def _read_zone(given: Any) -> Zone:
    if not isinstance(given, dict) or set(given) != {"name", "points"}:
        raise ValueError("a zone: expected an object with name and points")
    name, points = given["name"], given["points"]
    if not isinstance(name, str):
        raise ValueError("a zone's name: expected a text")
    name = clean_name(name)  # before a message has it
    if not isinstance(points, list):
        raise ValueError(f"zone {name}: expected a list of points")
    return make_zone(name, [_read_point(name, one) for one in points])


def _read_point(name: str, given: Any) -> tuple[float, float]:
    fits = isinstance(given, list) and len(given) == 2
    for value in given if fits else ():
        fits = fits and isinstance(value, int | float) and not isinstance(value, bool)
        fits = fits and 0.0 <= value <= 1.0
    if not fits:
        raise ValueError(
            f"zone {name}: a point is no [x, y] inside the picture; expected shares, 0 to 1"
        )
    return float(given[0]), float(given[1])
