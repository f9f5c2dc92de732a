"""Pascal VOC 2012, the validation split of its segmentation task: 1,449 pictures.

The archive ``VOCtrainval_11-May-2012.tar`` unpacks to::

    VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt
    VOCdevkit/VOC2012/JPEGImages/NAME.jpg
    VOCdevkit/VOC2012/SegmentationClass/NAME.png    a palette; 0 background, 1 to 20, 255 the border

``--root`` is any of these folders' parents down to VOC2012 itself. **voc21** counts the background
as a class; **voc20** leaves it out (``reduce_zero_label``).
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

THINGS = tuple(
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor".split()
)
_LIST = Path("ImageSets/Segmentation/val.txt")
_PLACES = ("", "VOC2012", "VOCdevkit/VOC2012")


def voc_files(root: Path | None, table: np.ndarray) -> list[LabelledFile]:
    """The pictures of the list, in its order."""
    place = find_place(
        root, _PLACES, lambda folder: (folder / _LIST).is_file(), f"VOC2012 with {_LIST}"
    )
    return [
        LabelledFile(
            place / "JPEGImages" / f"{name}.jpg", place / "SegmentationClass" / f"{name}.png", table
        )
        for name in read_lines(place / _LIST)
    ]


def _open_21(selection: Selection) -> EvaluationSet:
    files = voc_files(selection.root, np.arange(21, dtype=np.uint8))
    return labelled_set("voc21", ("background", *THINGS), files, selection)


def _open_20(selection: Selection) -> EvaluationSet:
    return labelled_set("voc20", THINGS, voc_files(selection.root, without_zero(20)), selection)


DATASETS = (
    Dataset(name="voc21", summary="Pascal VOC 2012, 20 things and background", open=_open_21),
    Dataset(name="voc20", summary="the same, things alone", open=_open_20),
)
