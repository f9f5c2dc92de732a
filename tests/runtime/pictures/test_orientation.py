"""The eight ways in which a picture can lie."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.pictures.orientation import swaps_sides, turn_upright

STORED = np.array([[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        (None, [[1, 2, 3], [4, 5, 6]]),
        ((1, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        ((-1, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),
        ((-1, 0, 0, -1), [[6, 5, 4], [3, 2, 1]]),
        ((1, 0, 0, -1), [[4, 5, 6], [1, 2, 3]]),
        ((0, 1, 1, 0), [[1, 4], [2, 5], [3, 6]]),
        ((0, 1, -1, 0), [[4, 1], [5, 2], [6, 3]]),
        ((0, -1, -1, 0), [[6, 3], [5, 2], [4, 1]]),
        ((0, -1, 1, 0), [[3, 6], [2, 5], [1, 4]]),
        ((10, 3, -3, 10), [[1, 2, 3], [4, 5, 6]]),  # 17 degrees: the nearest is none
        ((-3, -10, 10, -3), [[3, 6], [2, 5], [1, 4]]),
    ],
)
def test_every_matrix(matrix: tuple[int, int, int, int] | None, shown: list[list[int]]) -> None:
    turned = turn_upright(STORED, matrix)
    assert turned.tolist() == shown
    assert swaps_sides(matrix) == (len(shown) == 3)
