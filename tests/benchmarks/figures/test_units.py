"""Units' names stand in their widest places, and units are shown however many there are."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks.figures.sheet import Sheet
from benchmarks.figures.units import name_units, widest_place


def _named(units_hw: np.ndarray, words: list[str]) -> dict[str, tuple[float, float]]:
    """Which names are written, and where their middles lie in pixels of the units."""
    sheet = Sheet(1, ["units"], (4 * units_hw.shape[1], 4 * units_hw.shape[0]))
    axes = sheet.show(0, 0, np.zeros((*units_hw.shape, 3), np.uint8), flat=True)
    sheet.figure.draw_without_rendering()
    name_units(axes, units_hw, words)
    found = {}
    for name in axes.texts:
        box = name.get_window_extent()
        assert axes.bbox.x0 - 1 <= box.x0 and box.x1 <= axes.bbox.x1 + 1, name
        found[name.get_text()] = name.get_position()
    return found


def test_a_units_name_is_written_into_its_widest_place():
    units_hw = np.zeros((60, 120), np.uint8)
    units_hw[:, 100:] = 1
    x, y = widest_place(units_hw == 0)
    assert 28 <= x <= 72
    assert 28 <= y <= 31
    assert _named(units_hw, ["road", "a far too long name"])["road"] == (x, y)


def test_a_name_at_the_rim_is_moved_into_the_picture():
    units_hw = np.zeros((60, 120), np.uint8)
    units_hw[:, 110:] = 1
    assert _named(units_hw, ["road", "pavement"])["pavement"][0] < widest_place(units_hw == 1)[0]


def test_small_units_and_what_would_cover_another_name_stay_without_one():
    many_hw = np.arange(7200).reshape(60, 120) % 250
    assert _named(many_hw, ["a"] * 251) == {}
    rings_hw = np.zeros((60, 120), np.uint8)
    rings_hw[24:36, 48:72] = 1  # in the middle of the other, a fiftieth of it
    rings_hw[:, :48] = 2
    rings_hw[:, 72:] = 2
    assert set(_named(rings_hw, ["above", "within", "beside"])) >= {"beside"}
    halves_hw = np.zeros((4, 120), np.uint8)
    halves_hw[2:] = 1  # two strips, each lower than a name
    assert len(_named(halves_hw, ["upper", "lower"])) == 1


@pytest.mark.parametrize("slots", [3, 300])
def test_a_pixel_is_shown_in_its_unit_however_many_there_are(slots: int) -> None:
    """Slots beyond a byte used to be shown, and named, as others."""
    from benchmarks.figures.model_view import Sight

    assignment_uhw = np.zeros((slots, 2, 3), np.float32)
    assignment_uhw[slots - 1, :, 2] = assignment_uhw[0, :, :2] = 1.0
    nothing = np.zeros((4, 2, 3), np.float32)
    sight = Sight(nothing, nothing, np.zeros((slots, 4), np.float32), assignment_uhw)
    last = slots - 1
    assert sight.unit_map((3, 2)).tolist() == [[0, 0, last], [0, 0, last]]
    assert sight.unit_map((6, 2)).tolist() == [[0, 0, 0, 0, last, last]] * 2
