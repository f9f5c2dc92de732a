"""Pascal Context, the validation split: 5,104 or 5,105 pictures of VOC 2010.

The label images that mmsegmentation's ``tools/dataset_converters/pascal_context.py`` makes of the
``detail`` annotations, in the layout that it leaves::

    VOCdevkit/VOC2010/ImageSets/SegmentationContext/val.txt
    VOCdevkit/VOC2010/JPEGImages/NAME.jpg
    VOCdevkit/VOC2010/SegmentationClassContext/NAME.png    0 everything else, 1 to 59

The 59 classes stand in the order of their names, as their numbers do after that conversion; lists
in VOC's own order belong to other files. **context60** counts 0 as background, **context59** leaves
it out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import Dataset, EvaluationSet, Selection
from benchmarks.datasets.labelled_files import (
    LabelledFile,
    find_place,
    labelled_set,
    read_lines,
    without_zero,
)

CLASSES = tuple(
    """aeroplane bag bed bedclothes bench bicycle bird boat book bottle building bus cabinet car cat
    ceiling chair cloth computer cow cup curtain dog door fence floor flower food grass ground horse
    keyboard light motorbike mountain mouse person plate platform pottedplant road rock sheep
    shelves sidewalk sign sky snow sofa table track train tree truck tvmonitor wall water window
    wood""".split()
)
_LIST = Path("ImageSets/SegmentationContext/val.txt")
_PLACES = ("", "VOC2010", "VOCdevkit/VOC2010")


def context_files(root: Path | None, table: np.ndarray) -> list[LabelledFile]:
    """The pictures of the list, in its order."""
    place = find_place(
        root, _PLACES, lambda folder: (folder / _LIST).is_file(), f"VOC2010 with {_LIST}"
    )
    labels = place / "SegmentationClassContext"
    return [
        LabelledFile(place / "JPEGImages" / f"{name}.jpg", labels / f"{name}.png", table)
        for name in read_lines(place / _LIST)
    ]


def _open_60(selection: Selection) -> EvaluationSet:
    files = context_files(selection.root, np.arange(60, dtype=np.uint8))
    return labelled_set("context60", ("background", *CLASSES), files, selection)


def _open_59(selection: Selection) -> EvaluationSet:
    files = context_files(selection.root, without_zero(59))
    return labelled_set("context59", CLASSES, files, selection)


DATASETS = (
    Dataset(name="context60", summary="Pascal Context, 59 classes and background", open=_open_60),
    Dataset(name="context59", summary="the same without background", open=_open_59),
)
