"""ADE20K, the validation split of its scene parsing task: 2,000 pictures, 150 classes.

``ADEChallengeData2016.zip`` unpacks to::

    ADEChallengeData2016/images/validation/NAME.jpg
    ADEChallengeData2016/annotations/validation/NAME.png    0 other, 1 to 150

The full set's label images (thousands of classes, in colors) are other files. 0 is ignored and each
other value is one less (``reduce_zero_label``).
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.datasets.evaluation_set import Dataset, EvaluationSet, Selection
from benchmarks.datasets.labelled_files import (
    LabelledFile,
    find_place,
    labelled_set,
    without_zero,
)

NAME = "ade20k"
_NAMES = """wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet,
sidewalk, person, earth, door, table, mountain, plant, curtain, chair, car, water, painting, sofa,
shelf, house, sea, mirror, rug, field, armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub,
railing, cushion, base, box, column, signboard, chest of drawers, counter, sand, sink, skyscraper,
fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table, pillow, screen door,
stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench,
countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel,
bus, towel, light, truck, tower, chandelier, awning, streetlight, booth, television receiver,
airplane, dirt track, apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster,
stage, van, ship, fountain, conveyer belt, canopy, washer, plaything, swimming pool, stool, barrel,
basket, waterfall, tent, bag, minibike, cradle, oven, ball, food, step, tank, trade name, microwave,
pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce, vase,
traffic light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower,
radiator, glass, clock, flag"""
CLASSES = tuple(" ".join(name.split()) for name in _NAMES.split(","))


def ade20k_files(root: Path | None) -> list[LabelledFile]:
    """The pictures by name."""
    place = find_place(
        root,
        ("", "ADEChallengeData2016"),
        lambda folder: any(folder.glob("images/validation/*.jpg")),
        "ADEChallengeData2016 with images/validation/*.jpg and annotations/validation/*.png",
    )
    labels, table = place / "annotations" / "validation", without_zero(150)
    return [
        LabelledFile(image, labels / f"{image.stem}.png", table)
        for image in sorted(place.glob("images/validation/*.jpg"))
    ]


def _open(selection: Selection) -> EvaluationSet:
    return labelled_set(NAME, CLASSES, ade20k_files(selection.root), selection)


DATASETS = (Dataset(name=NAME, summary="ADE20K validation, 150 classes", open=_open),)
