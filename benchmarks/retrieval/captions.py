"""Photographs and the captions that people wrote for them, out of one table.

``captions.tsv``: columns image (a path from the table's folder), caption, and split where the set
has splits; a line a caption.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.record.tsv import read_tsv
from runtime.errors import UserError

USUAL_PLACE = Path("../shared/data/flickr8k/captions.tsv")


@dataclass(frozen=True, eq=False)
class CaptionedPhotographs:
    """A pool to find things in.

    Attributes:
        images: paths of the photographs, in the table's order.
        captions: all of them.
        owner: int64 (captions,): the photograph of each.
    """

    images: tuple[Path, ...]
    captions: tuple[str, ...]
    owner: np.ndarray


def read_captions(
    table: Path, split: str | None = None, limit: int | None = None
) -> CaptionedPhotographs:
    """Read the photographs of a split.

    Args:
        table: the file.
        split: which rows; None: all.
        limit: the most photographs that are taken, from the first on; None: all.

    Raises:
        UserError: no such table, column, split or photograph, or an empty caption.
    """
    if not table.is_file():
        raise UserError(f"no captions at {table}; give a table with --captions")
    rows = read_tsv(table, ("image", "caption") + (("split",) if split else ()))
    if split:
        splits = sorted({row["split"] for row in rows})
        rows = [row for row in rows if row["split"] == split]
        if not rows:
            raise UserError(f"{table} has no split {split!r}; expected one of {', '.join(splits)}")
    place: dict[str, int] = {}
    captions, owner = [], []
    for row in rows:
        if row["image"] not in place and len(place) == (limit or len(rows)):
            continue
        text = " ".join(row["caption"].split())
        if not text:
            raise UserError(f"{table}: an empty caption of {row['image']}; expected a sentence")
        owner.append(place.setdefault(row["image"], len(place)))
        captions.append(text)
    if not captions:
        raise UserError(f"{table} holds no caption; expected a line for each")
    images = tuple(table.parent / name for name in place)
    absent = next((path for path in images if not path.is_file()), None)
    if absent is not None:
        raise UserError(f"{absent} is not there, though {table.name} has captions of it")
    return CaptionedPhotographs(images, tuple(captions), np.array(owner, np.int64))
