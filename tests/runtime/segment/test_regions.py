"""Connected regions: boxes, areas and masks, as pycocotools and OpenCV see them."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.segment.regions import find_regions
from runtime.segment.rle import decode_rle, encode_rle


def test_a_picture_worked_by_hand() -> None:
    labels = np.array(
        [
            [0, 0, 255, 1],
            [255, 0, 255, 1],
            [0, 255, 255, 2],
        ],
        np.uint8,
    )
    found = list(find_regions(labels, 2))  # 2 is no class here
    assert [(one.label, one.box_xywh, one.area) for one in found] == [
        (0, (0, 0, 2, 3), 4),  # corners touch
        (1, (3, 0, 1, 2), 2),
    ]
    assert decode_rle(found[0].rle).astype(int).tolist() == [
        [1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 9), (9, 1), (37, 53)])
@pytest.mark.parametrize("seed", range(3))
def test_regions_make_up_the_labels(size_hw: tuple[int, int], seed: int) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    coarse = np.random.default_rng(seed).integers(0, 4, size_hw, np.uint8)
    labels = np.where(coarse == 3, 255, coarse).astype(np.uint8)
    drawn = np.full(size_hw, 255, np.uint8)
    for one in find_regions(labels, 3):
        inside = decode_rle(one.rle)
        assert one.rle == encode_rle(inside)
        coded = {"size": one.rle["size"], "counts": one.rle["counts"].encode()}
        assert np.array_equal(mask.decode(coded), inside)
        assert mask.area(coded) == one.area == inside.sum()
        assert tuple(mask.toBbox(coded).astype(int)) == one.box_xywh
        assert (drawn[inside] == 255).all()  # none twice
        drawn[inside] = one.label
    assert np.array_equal(drawn, labels)
