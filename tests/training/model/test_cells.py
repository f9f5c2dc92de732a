"""The coarse grid: cells, their neighborhoods, and the way back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.cells import NEIGHBORS, Cells  # noqa: E402

CELLS = Cells((6, 8), (3, 2))


def test_cells_hold_their_pixels_row_by_row():
    numbers = torch.arange(48.0).reshape(1, 6, 8)
    cells_kmf = CELLS.split(numbers)
    assert cells_kmf.shape == (6, 8, 1)
    assert cells_kmf[1, :, 0].tolist() == [4, 5, 6, 7, 12, 13, 14, 15]
    assert torch.equal(CELLS.join(cells_kmf), numbers)


def test_join_is_the_way_back_of_several_features():
    maps = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(CELLS.join(CELLS.split(maps)), maps)


def test_a_cell_sees_its_neighbors_and_nothing_beyond_the_edge():
    cells = Cells((9, 9), (3, 3))
    slots_ksf = torch.arange(9.0).reshape(9, 1, 1)
    near = cells.near(slots_ksf, torch.tensor([-1.0]))[:, :, 0]
    assert near[4].tolist() == list(range(9))
    assert near[0].tolist() == [-1, -1, -1, -1, 0, 1, -1, 3, 4]


def test_the_slots_of_a_cell_stay_together():
    near = Cells((4, 4), (2, 2)).near(torch.arange(8.0).reshape(4, 2, 1))[0, :, 0]
    assert near.reshape(NEIGHBORS, 2)[[4, 5, 7, 8]].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


@pytest.mark.parametrize("count_hw", [(3, 4), (1, 1), (1, 5)])
def test_collect_is_the_adjoint_of_near(count_hw):
    """<near(a), b> = <a, collect(b)> for every a and b."""
    cells, generator = Cells(count_hw, count_hw), torch.Generator().manual_seed(2)
    slots = torch.randn(cells.count, 2, 3, generator=generator, dtype=torch.float64)
    given = torch.randn(cells.count, 18, 3, generator=generator, dtype=torch.float64)
    there, back = (cells.near(slots) * given).sum(), (slots * cells.collect(given)).sum()
    assert torch.allclose(there, back)
