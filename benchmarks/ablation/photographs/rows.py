"""What is trained: a row of the table each, as settings of the recipe ``photo``.

All rows train the recipe's first leg on patches: the same photographs, the same captions and the
same first weights for one seed, frozen towers, the classes' part at a fifth of every cosine
(:data:`AS_RECORDED`). Each of the rows of grains changes one thing in the row before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How the classes were asked when the figures were recorded; the recipe asks otherwise since.
AS_RECORDED: dict[str, Any] = {"model.class_weight": 0.2, "model.class_nearness": None}
_WHOLE_CAPTIONS: dict[str, Any] = {
    "losses.texts": "captions",
    "losses.object_mask": "whole",
    "losses.area_weight": 0.0,
    "losses.smooth_weight": 0.0,
    "losses.region_weight": 0.0,
    "losses.pixel_weight": 0.0,
    "losses.noun_weight": 0.0,
}


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: in files and JSON.
        title: in tables.
        changes: settings by dotted name, on top of the recipe and of the row before.
        before: the row that it is compared with, seed by seed; None: with none.
        pairs: how many photographs are trained on, the first of the table; None: all.
    """

    name: str
    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    before: str | None = None
    pairs: int | None = None


BASELINE = "baseline"
GRAINS: tuple[Row, ...] = (
    Row(BASELINE, "whole captions and whole photographs", _WHOLE_CAPTIONS),
    Row(
        "object",
        "+ object",
        {"losses.object_mask": "text", "losses.area_weight": 1.0, "losses.smooth_weight": 0.1},
        BASELINE,
    ),
    Row("region", "+ region", {"losses.region_weight": 0.5}, "object"),
    Row("pixel", "+ pixel", {"losses.pixel_weight": 0.5}, "region"),
    Row("nouns", "+ nouns", {"losses.texts": "both", "losses.noun_weight": 1.0}, "pixel"),
)
#: The recipe itself, on the first so many photographs of the table.
SIZES: tuple[Row, ...] = tuple(
    Row(f"recipe-{pairs}", f"the recipe, {pairs:,} photographs", {}, None, pairs)
    for pairs in (1000, 2000, 4000)
) + (Row("recipe", "the recipe, all photographs"),)
ROWS = GRAINS + SIZES
NAMES = tuple(row.name for row in ROWS)


def changes_of(row: Row, rows: Sequence[Row] = ROWS) -> dict[str, Any]:
    """All of a row's settings, those of the rows before it included."""
    earlier = next((one for one in rows if one.name == row.before), None)
    return {**(changes_of(earlier, rows) if earlier else AS_RECORDED), **row.changes}
