"""A folder of photographs with label images, and the names of their values.

::

    classes.tsv     columns index, name: what the label values stand for
    manifest.tsv    columns image, label, present: paths from the folder, and the names in sight,
                    commas between them
    images/, labels/

Value 0 is none of the names and 255 is ignored. A label image has one channel, greyscale or with a
palette. As a set for ``benchmarks.accuracy`` only pixels of named things count, and each gets one
of all names; ``benchmarks.photos`` asks more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from benchmarks.datasets.label_image import read_labels, read_photograph
from benchmarks.record.tsv import read_tsv
from runtime.confusion_matrix import IGNORE
from runtime.errors import UserError

NAME = "folder"
USUAL_PLACE = Path("../shared/data/coco_half")
NONE = 0  # the value of pixels that show none of the names


@dataclass(frozen=True)
class Photograph:
    """A row of the manifest.

    Attributes:
        image: path of the photograph.
        label: path of its label image.
        present: the names in sight, each of the folder's, in the manifest's order.
    """

    image: Path
    label: Path
    present: tuple[str, ...]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """The photograph, BGR uint8 (h, w, 3), and its labels, uint8 (h, w).

        Raises:
            UserError: one of them cannot be read, or they differ in size.
        """
        frame_bgr = read_photograph(self.image)
        labels_hw = read_labels(self.label, frame_bgr.shape[:2])
        if labels_hw.max(initial=0) > IGNORE:
            raise UserError(f"{self.label} has values above {IGNORE}; expected class numbers")
        return frame_bgr, labels_hw.astype(np.uint8)


@dataclass(frozen=True)
class PhotoFolder:
    """A folder's photographs and names.

    Attributes:
        root: the folder.
        index_of: label value of each name, in the order of the values, from 1 to 254.
        photographs: in the manifest's order.
    """

    root: Path
    index_of: dict[str, int]
    photographs: tuple[Photograph, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the order of the label values."""
        return tuple(self.index_of)

    @property
    def values(self) -> int:
        """One more than the largest label value of a name."""
        return max(self.index_of.values()) + 1

    def value_names(self) -> tuple[str, ...]:
        """What each label value stands for, from 0 on; ``""`` where a value has no name."""
        names = [""] * self.values
        names[NONE] = "none of them"
        for name, index in self.index_of.items():
            names[index] = name
        return tuple(names)


def open_folder(
    root: Path | None, frames: tuple[int, int] | None = None, limit: int | None = None
) -> PhotoFolder:
    """Read a folder's two tables.

    Args:
        root: the folder; None: :data:`USUAL_PLACE`.
        frames: first and last photograph, counted from 1, both in; None: all.
        limit: the most that are taken of these; None: all.

    Raises:
        UserError: no such folder, a table that is not what it should be, no photograph in it.
    """
    root = root or USUAL_PLACE
    for name in ("classes.tsv", "manifest.tsv"):
        if not (root / name).is_file():
            raise UserError(
                f"no photographs with labels at {root} (expected classes.tsv and manifest.tsv); "
                "give their folder with --root"
            )
    index_of = _read_names(root / "classes.tsv")
    rows = read_tsv(root / "manifest.tsv", ("image", "label", "present"))
    first, last = frames or (1, len(rows))
    if not rows or last > len(rows):
        raise UserError(f"{root}/manifest.tsv has {len(rows)} photographs; asked for {last}")
    photographs = tuple(
        Photograph(
            root / row["image"],
            root / row["label"],
            tuple(name for name in map(str.strip, row["present"].split(",")) if name in index_of),
        )
        for row in rows[first - 1 : last][:limit]
    )
    return PhotoFolder(root, index_of, photographs)


def _read_names(path: Path) -> dict[str, int]:
    index_of: dict[str, int] = {}
    for row in read_tsv(path, ("index", "name")):
        text, name = row["index"].strip(), row["name"].strip()
        if not text.isdecimal() or int(text) > IGNORE or not name:
            raise UserError(f"{path}: {text!r} {name!r}; expected a value from 0 to 255 and a name")
        if int(text) in (NONE, IGNORE):
            continue
        if name in index_of or int(text) in index_of.values():
            raise UserError(f"{path}: {text} {name!r} is there twice; expected each once")
        index_of[name] = int(text)
    if not index_of:
        raise UserError(f"{path} names no class; expected values from 1 to 254")
    return dict(sorted(index_of.items(), key=lambda pair: pair[1]))


def folder_set(root: Path | None, frames: tuple[int, int] | None = None) -> EvaluationSet:
    """The photographs as a set with every name to choose from, pixels of named things alone."""
    folder = open_folder(root, frames)
    place = np.full(IGNORE + 1, IGNORE, np.uint8)
    place[list(folder.index_of.values())] = np.arange(len(folder.index_of))

    def read(number: int) -> EvaluationFrame:
        photograph = folder.photographs[number]
        frame_bgr, labels_hw = photograph.read()
        return EvaluationFrame(photograph.image.stem, frame_bgr, place[labels_hw])

    return EvaluationSet(
        name=NAME,
        words=folder.names,
        count=len(folder.photographs),
        open=lambda: map(read, range(len(folder.photographs))),
        read=read,
        settings={"root": folder.root.name, "frames": list(frames) if frames else None},
    )


def _open(selection: Selection) -> EvaluationSet:
    return folder_set(selection.root, selection.frames)


DATASETS = (Dataset(name=NAME, summary="photographs with label images and names", open=_open),)
