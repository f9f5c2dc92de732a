"""The cases: a number and a seed make a file, and say as what it is read."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile_streams.damage import DAMAGES, ENDINGS, splice
from benchmarks.hostile_streams.media import PICTURES
from runtime.sources.plan import SourcePlan

__all__ = ["Case", "make_case"]

SPLICED = "spliced"
#: Shares of the cases whose file has a wrong ending, and that are read as the other kind.
WRONG_ENDING, WRONG_KIND = 0.15, 0.08
_PICTURES = frozenset(kind.name for kind in PICTURES)


@dataclass(frozen=True)
class Case:
    """One file and how it is read.

    Attributes:
        media: the name of what it was made from.
        damage: what was done to it.
        plan: the source that reads it.
        folder: holds the file alone.
    """

    media: str
    damage: str
    plan: SourcePlan
    folder: Path


def make_case(number: int, seed: int, media: dict[str, Path], folder: Path) -> Case:
    """Write the file of a case; the same for the same number, seed and media."""
    chance = random.Random(f"{seed}/{number}")
    name = chance.choice(list(media))
    damage = chance.choice([*DAMAGES, SPLICED])
    content = media[name].read_bytes()
    if damage == SPLICED:
        content = splice(content, media[chance.choice(list(media))].read_bytes(), chance)
    else:
        content = DAMAGES[damage](content, chance)
    ending = chance.choice(ENDINGS) if chance.random() < WRONG_ENDING else media[name].suffix
    folder.mkdir()
    path = folder / f"case{ending}"
    path.write_bytes(content)
    as_picture = (name in _PICTURES) != (chance.random() < WRONG_KIND)
    return Case(name, damage, _plan(path, as_picture, chance), folder)


def _plan(path: Path, as_picture: bool, chance: random.Random) -> SourcePlan:
    values: dict[str, Any] = {"name": str(path)}
    if as_picture:
        values = {"patterns": [str(chance.choice((path, path.parent)))]}
    return SourcePlan("images" if as_picture else "video", values)
