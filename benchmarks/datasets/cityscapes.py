"""Cityscapes, the validation split: 500 pictures, 2048 x 1024, 19 classes.

``leftImg8bit_trainvaltest.zip`` and ``gtFine_trainvaltest.zip`` unpack to::

    leftImg8bit/val/CITY/NAME_leftImg8bit.png
    gtFine/val/CITY/NAME_gtFine_labelIds.png       raw: 0 to 33, 255 for what -1 stands for

Where Cityscapes' own script left ``NAME_gtFine_labelTrainIds.png`` these are read; else the raw
numbers are turned into the same. All else than the 19 classes is ignored.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import Dataset, EvaluationSet, Selection
from benchmarks.datasets.labelled_files import LabelledFile, find_place, labelled_set
from runtime.confusion_matrix import IGNORE

NAME = "cityscapes"
CLASSES = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train"),
    *("motorcycle", "bicycle"),
)
# The raw number of each class, in their order.
_RAW = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def raw_table() -> np.ndarray:
    """Class of each raw number, uint8 (34,); 255 for what no class is."""
    table = np.full(34, IGNORE, np.uint8)
    table[list(_RAW)] = np.arange(len(_RAW))
    return table


def cityscapes_files(root: Path | None) -> list[LabelledFile]:
    """The pictures by city and name."""
    place = find_place(
        root,
        ("", "cityscapes"),
        lambda folder: any(folder.glob("leftImg8bit/val/*/*_leftImg8bit.png")),
        "Cityscapes with leftImg8bit/val/CITY/*_leftImg8bit.png and gtFine/val",
    )
    own, raw = np.arange(len(CLASSES), dtype=np.uint8), raw_table()
    files = []
    for image in sorted(place.glob("leftImg8bit/val/*/*_leftImg8bit.png")):
        stem = image.name.removesuffix("_leftImg8bit.png")
        labels = place / "gtFine" / "val" / image.parent.name
        ready = labels / f"{stem}_gtFine_labelTrainIds.png"
        if ready.is_file():
            files.append(LabelledFile(image, ready, own))
        else:
            files.append(LabelledFile(image, labels / f"{stem}_gtFine_labelIds.png", raw))
    return files


def _open(selection: Selection) -> EvaluationSet:
    return labelled_set(NAME, CLASSES, cityscapes_files(selection.root), selection)


DATASETS = (Dataset(name=NAME, summary="Cityscapes val, 19 classes", open=_open),)
