"""Connected things of a class."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.objects.things import MOST_THINGS, Thing, find_things, join_things


def test_a_picture_worked_by_hand() -> None:
    labels = np.array(
        [
            [255, 0, 255, 255, 1],
            [255, 255, 0, 255, 1],
            [255, 255, 255, 255, 1],
            [255, 0, 255, 255, 2],
        ],
        np.uint8,
    )
    found = find_things(labels, ("car", "pole"), least_area=0.0)  # 2 is no class here
    assert found == [
        Thing("pole", (4, 0, 1, 3), 3 / 20, (4.0, 1.0)),
        Thing("car", (1, 0, 2, 2), 2 / 20, (1.5, 0.5)),  # corners touch
        Thing("car", (1, 3, 1, 1), 1 / 20, (1.0, 3.0)),
    ]
    assert [one.class_name for one in find_things(labels, ("car", "pole"), 0.1)] == ["pole", "car"]
    assert find_things(labels, ("car", "pole"), 0.16) == []


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 7), (7, 1), (40, 60)])
def test_every_pixel_of_a_class_is_in_one(size_hw: tuple[int, int]) -> None:
    labels = np.random.default_rng(1).choice(np.array([0, 1, 255], np.uint8), size_hw)
    found = find_things(labels, ("a", "b", "c"), 0.0)
    if len(found) < MOST_THINGS:
        pixels = round(sum(one.area for one in found) * labels.size)
        assert pixels == np.count_nonzero(labels < 2)
    for one in found:
        left, top, width, height = one.box_xywh
        x, y = one.centroid_xy
        assert left <= x <= left + width - 1 and top <= y <= top + height - 1
        assert left + width <= size_hw[1] and top + height <= size_hw[0]


def test_the_largest_stay() -> None:
    labels = np.full((40, 400), 255, np.uint8)
    labels[::4, ::4] = 0
    labels[20:30, 100:200] = 0
    found = find_things(labels, ("dot",), 0.0)
    assert len(found) == MOST_THINGS and found[0].area >= 1000 / labels.size


def test_parts_make_a_whole() -> None:
    left = Thing("car", (0, 2, 4, 4), 0.1, (1.0, 3.0))
    right = Thing("car", (6, 0, 2, 8), 0.3, (7.0, 3.0))
    assert join_things([left]) is left
    whole = join_things([left, right])
    assert whole.box_xywh == (0, 0, 8, 8) and whole.area == pytest.approx(0.4)
    assert whole.centroid_xy == pytest.approx((5.5, 3.0))
