"""The rows of the tables: what is trained, and the one thing that parts a row from the one before.

Without torch: a row only says which weights of ``training.losses.config.LossConfig`` it switches
off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What is added one after the other; the object level brings its masks' priors with it.
GRAINS: dict[str, tuple[str, ...]] = {
    "object": ("object_weight", "area_weight", "smooth_weight"),
    "region": ("region_weight",),
    "pixel": ("pixel_weight",),
    "nouns": ("noun_weight",),
}

# Of the text-grounded peer: TCL's weights 0.1, 0.4 and 1.0, relative to the first.
GROUNDED_TERMS: dict[str, float] = {"grounded": 1.0, "area": 4.0, "smooth": 10.0}


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: in files and JSON.
        title: in tables.
        kind: ``dense`` (no training), ``mgca`` (the project's objective) or ``grounded`` (the peer
            in the manner of TCL).
        grains: names in :data:`GRAINS` that are on.
        before: the row that it is compared with in pairs; one thing is changed.
        dense: how CLIP's last block is read; None: as the checkpoint does.
    """

    name: str
    title: str
    kind: str
    grains: tuple[str, ...] = ()
    before: str | None = None
    dense: str | None = None

    @property
    def trained(self) -> bool:
        """Whether the row differs from seed to seed."""
        return self.kind != "dense"

    def switched_off(self) -> tuple[str, ...]:
        """Fields of ``losses`` that are zero in this row."""
        if self.kind != "mgca":
            return ()
        return tuple(
            field for grain, fields in GRAINS.items() if grain not in self.grains
            for field in fields
        )  # fmt: skip


BASELINE = "baseline"
ROWS: tuple[Row, ...] = (
    Row(BASELINE, "baseline (CLIP's dense features)", "dense"),
    Row("object", "+ object", "mgca", ("object",), BASELINE),
    Row("region", "+ region", "mgca", ("object", "region"), "object"),
    Row("pixel", "+ pixel", "mgca", ("object", "region", "pixel"), "region"),
    Row("nouns", "+ nouns", "mgca", ("object", "region", "pixel", "nouns"), "pixel"),
    Row("nouns-alone", "nouns alone", "mgca", ("nouns",), BASELINE),
    Row("grounded", "text-grounded object level (as TCL)", "grounded", (), BASELINE),
    Row("maskclip", "MaskCLIP", "dense", (), BASELINE, "maskclip"),
    Row("clearclip", "ClearCLIP", "dense", (), BASELINE, "clearclip"),
)
NAMES = tuple(row.name for row in ROWS)


def choose_rows(names: tuple[str, ...], losses: Mapping[str, float]) -> tuple[Row, ...]:
    """The rows called for, in order, without those whose grain has no weight in ``losses``.

    ``losses`` maps a field of ``training.losses.config.LossConfig`` to its weight. A row that would
    repeat another one under a second name would say something that was not measured.
    """
    idle = {grain for grain, fields in GRAINS.items() if not losses[fields[0]]}
    return tuple(row for row in ROWS if row.name in names and not idle & set(row.grains))


def full_row(rows: tuple[Row, ...]) -> Row | None:
    """The last of the cumulative rows: the whole method as far as it is measured."""
    cumulative = [row for row in rows if row.kind == "mgca" and row.grains[0] == "object"]
    return cumulative[-1] if cumulative else None


def describe_terms(row: Row, losses: Mapping[str, float]) -> dict[str, float]:
    """Name and weight of every loss term that is on in a row."""
    if row.kind == "dense":
        return {}
    if row.kind == "grounded":
        return dict(GROUNDED_TERMS)
    off = row.switched_off()
    return {
        field.removesuffix("_weight"): losses[field]
        for fields in GRAINS.values()
        for field in fields
        if field not in off and losses[field]
    }
