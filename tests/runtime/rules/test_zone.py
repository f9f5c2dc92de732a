"""Zones as they are typed, and what is inside of them."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from runtime.rules.zone import Zone, check_zones, make_zone, read_zone

SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))


def test_a_zone_reads_back_as_it_is_written() -> None:
    zone = read_zone(" the  yard = 0.1,0.2   0.9,.2 1,1e-1 ")
    assert zone == Zone("the yard", ((0.1, 0.2), (0.9, 0.2), (1.0, 0.1)))
    assert read_zone(str(zone)) == zone


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yard", "expected NAME=X,Y X,Y X,Y"),
        ("=0,0 1,0 1,1", "a text of 1 to 64 letters"),
        ("a\x00b=0,0 1,0 1,1", "letters that can be read"),
        ("yard=", "zone yard: expected 3 to 64 points, not 0"),
        ("yard=0,0 1,1", "zone yard: expected 3 to 64 points, not 2"),
        ("yard=0,0 1,0 1.01,1", "zone yard: a point lies outside the picture"),
        ("yard=0,0 1,0 -0.1,1", "zone yard: a point lies outside the picture"),
        ("yard=0,0 1,0 nan,1", "zone yard: a point lies outside the picture"),
        ("yard=0,0 1,0 1", "zone yard: '1' is no point; expected X,Y"),
        ("yard=0,0 1,0 1,1,1", "zone yard: '1,1,1' is no point"),
        ("yard=0,0 0.5,0.5 1,1", "zone yard: its points lie on one line"),
    ],
)
def test_a_wrong_zone_is_told_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=says):
        read_zone(text)


def test_names_are_there_once() -> None:
    check_zones([make_zone("a", SQUARE), make_zone("b", SQUARE)])
    with pytest.raises(ValueError, match="'a' is there twice"):
        check_zones([make_zone("a", SQUARE), make_zone("b", SQUARE), make_zone("a", SQUARE)])
    with pytest.raises(ValueError, match="at most 32"):
        check_zones([make_zone(str(number), SQUARE) for number in range(33)])


def test_a_mask_worked_by_hand() -> None:
    mask = make_zone("a", SQUARE).mask((5, 3))
    assert mask.dtype == np.uint8
    assert (mask // 255).tolist() == [  # corners at columns 0 and 2, rows 0 and 1
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    triangle = make_zone("a", [(0, 0), (1, 0), (0, 1)])
    assert (triangle.mask((3, 3)) // 255).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 9), (9, 1), (640, 480)])
def test_a_zone_is_never_empty(size_wh: tuple[int, int]) -> None:
    small = make_zone("a", [(0.5, 0.5), (0.51, 0.5), (0.51, 0.51)])
    assert small.mask(size_wh).any() and small.mask(size_wh).shape == size_wh[::-1]
    whole = make_zone("a", [(0, 0), (1, 0), (1, 1), (0, 1)])
    assert whole.mask(size_wh).all()
