"""COCO 2017's validation pictures with the label images of COCO-Stuff: 5,000 pictures.

``val2017.zip`` and ``stuffthingmaps_trainval2017.zip`` unpack to::

    images/val2017/NAME.jpg                  or val2017/NAME.jpg
    annotations/val2017/NAME.png             or stuffthingmaps/val2017/NAME.png, or beside the
                                             pictures

A raw label image holds a category's number less one: 0 to 90 things, with eleven gaps, 91 to 181
stuff, 255 unlabelled. Where mmsegmentation's converted files lie there (``NAME_labelTrainIds.png``,
``NAME_instanceTrainIds.png``), these are read instead.

**coco-stuff**: 171 classes, 255 is ignored. **coco-object**: 80 things, and everything else is
background, *unlabelled pixels included*: nothing is ignored, as in the script of TCL that made the
benchmark.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import Dataset, EvaluationSet, Selection
from benchmarks.datasets.labelled_files import LabelledFile, find_place, labelled_set
from runtime.confusion_matrix import IGNORE

_THINGS = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light,
fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant,
bear, zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard,
sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle,
wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop,
mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock,
vase, scissors, teddy bear, hair drier, toothbrush"""
THINGS = tuple(" ".join(name.split()) for name in _THINGS.split(","))
STUFF = tuple(
    """banner blanket branch bridge building-other bush cabinet cage cardboard carpet ceiling-other
    ceiling-tile cloth clothes clouds counter cupboard curtain desk-stuff dirt door-stuff fence
    floor-marble floor-other floor-stone floor-tile floor-wood flower fog food-other fruit
    furniture-other grass gravel ground-other hill house leaves light mat metal mirror-stuff moss
    mountain mud napkin net paper pavement pillow plant-other plastic platform playingfield railing
    railroad river road rock roof rug salad sand sea shelf sky-other skyscraper snow solid-other
    stairs stone straw structural-other table tent textile-other towel tree vegetable wall-brick
    wall-concrete wall-other wall-panel wall-stone wall-tile wall-wood water-other waterdrops
    window-blind window-other wood""".split()
)
# Numbers, less one, that no category has.
_GAPS = frozenset({11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90})
_IMAGES = ("images/val2017", "val2017")
_LABELS = ("annotations/val2017", "stuffthingmaps/val2017", "stuffthingmaps_trainval2017/val2017")


def stuff_table() -> np.ndarray:
    """Class of each raw value in COCO-Stuff, uint8 (182,); 255 for the gaps."""
    known = [value for value in range(182) if value not in _GAPS]
    table = np.full(182, IGNORE, np.uint8)
    table[known] = np.arange(len(known))
    return table


def object_table() -> np.ndarray:
    """Class of each raw value in COCO-Object, uint8 (256,): things from 1, all else 0."""
    table = np.zeros(256, np.uint8)
    stuff = stuff_table()[:91]
    table[:91] = np.where(stuff == IGNORE, 0, stuff + 1)
    return table


def coco_files(
    root: Path | None, converted: str, raw_table: np.ndarray, classes: int
) -> list[LabelledFile]:
    """The pictures by name.

    Args:
        root: the user's.
        converted: what stands behind a picture's name in converted files.
        raw_table: classes of raw values.
        classes: how many converted files have.
    """
    expected = "COCO with images/val2017/*.jpg and annotations/val2017/*.png (stuffthingmaps)"
    images = find_place(root, _IMAGES, lambda folder: any(folder.glob("*.jpg")), expected)
    labels = find_place(
        root, (*_LABELS, *_IMAGES), lambda folder: any(folder.glob("*.png")), expected
    )
    own = np.arange(classes, dtype=np.uint8)
    files = []
    for image in sorted(images.glob("*.jpg")):
        ready = labels / f"{image.stem}_{converted}.png"
        is_ready = ready.is_file()
        raw = labels / f"{image.stem}.png"
        files.append(
            LabelledFile(image, ready if is_ready else raw, own if is_ready else raw_table)
        )
    return files


def _open_stuff(selection: Selection) -> EvaluationSet:
    files = coco_files(selection.root, "labelTrainIds", stuff_table(), 171)
    return labelled_set("coco-stuff", (*THINGS, *STUFF), files, selection)


def _open_object(selection: Selection) -> EvaluationSet:
    files = coco_files(selection.root, "instanceTrainIds", object_table(), 81)
    return labelled_set("coco-object", ("background", *THINGS), files, selection)


DATASETS = (
    Dataset(name="coco-stuff", summary="COCO val2017, 171 things and stuff", open=_open_stuff),
    Dataset(
        name="coco-object", summary="COCO val2017, 80 things and background", open=_open_object
    ),
)
