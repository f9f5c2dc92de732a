"""The coarse grid that units start from: each pixel looks at the cells around its own, no further.

With cells of one size, where each pixel and slot is found is known beforehand: cells are reshapes
and transposes, neighborhoods one Gather by constant numbers. (Written as pads and slices they were
thirty nodes each, and an engine's time for starting a node counts where the tensors are so small.)

Shape legend: h w the decoder's grid, k cells (row by row), m pixels of a cell (row by row), s slots
of a cell, c = 9 s candidates: the slots of a cell and of its eight neighbors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBORS = 9


@dataclass(frozen=True)
class Cells:
    """A grid cut into equal cells.

    Attributes:
        grid_hw: height and width of the grid.
        count_hw: rows and columns of cells, divisors of the grid's sides.
    """

    grid_hw: tuple[int, int]
    count_hw: tuple[int, int]

    @property
    def count(self) -> int:
        """How many cells, k."""
        return self.count_hw[0] * self.count_hw[1]

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of a cell."""
        return self.grid_hw[0] // self.count_hw[0], self.grid_hw[1] // self.count_hw[1]

    def split(self, map_fhw: Tensor) -> Tensor:
        """(f, h, w) -> (k, m, f): the pixels of each cell."""
        (rows, columns), (tall, wide) = self.count_hw, self.size_hw
        # A plain transpose first, then whole rows of pixels change places: one transpose of five
        # axes takes ONNX Runtime four times as long.
        pixels_hwf = map_fhw.permute(1, 2, 0)
        parts = pixels_hwf.reshape(rows, tall, columns, -1).permute(0, 2, 1, 3)
        return parts.reshape(self.count, tall * wide, map_fhw.shape[0])

    def join(self, cells_kmf: Tensor) -> Tensor:
        """(k, m, f) -> (f, h, w), the way back."""
        (rows, columns), (tall, _) = self.count_hw, self.size_hw
        width = cells_kmf.shape[2]
        parts = cells_kmf.reshape(rows, columns, tall, -1).permute(0, 2, 1, 3)
        return parts.reshape(-1, width).transpose(0, 1).reshape(width, *self.grid_hw)

    def near(self, slots_ksf: Tensor, outside_f: Tensor | None = None) -> Tensor:
        """(k, s, f) -> (k, c, f): the slots of each cell's neighborhood, row by row.

        Args:
            slots_ksf: what each slot has.
            outside_f: (f,) what stands for slots beyond the edge of the grid; None: zeros.
        """
        slots, width = int(slots_ksf.shape[1]), slots_ksf.shape[2]
        if outside_f is None:
            outside_f = slots_ksf.new_zeros(width)
        rows = torch.cat([slots_ksf, outside_f.expand(1, slots, width)])
        index = torch.tensor(self._neighbors(), device=slots_ksf.device).flatten()
        return rows.index_select(0, index).reshape(self.count, NEIGHBORS * slots, width)

    def collect(self, candidates_kcf: Tensor) -> Tensor:
        """(k, c, f) -> (k, s, f): what each slot is given by all the cells that see it.

        The adjoint of :meth:`near`: what goes beyond the edge of the grid is lost.
        """
        slots, width = int(candidates_kcf.shape[1]) // NEIGHBORS, candidates_kcf.shape[2]
        parts = candidates_kcf.reshape(self.count * NEIGHBORS, slots, width)
        parts = torch.cat([parts, parts.new_zeros(1, slots, width)])
        # A cell's neighbor at one place sees the cell at the mirrored one.
        places = [
            [
                seer * NEIGHBORS + NEIGHBORS - 1 - place if seer < self.count else len(parts) - 1
                for place, seer in enumerate(seers)
            ]
            for seers in self._neighbors()
        ]
        index = torch.tensor(places, device=parts.device).flatten()
        given = parts.index_select(0, index).reshape(self.count, NEIGHBORS, slots, width)
        return given.sum(1)

    def _neighbors(self) -> list[list[int]]:
        """Numbers of the nine cells around each cell; ``count`` for what is beyond the edge."""
        rows, columns = self.count_hw
        around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        return [
            [
                (row + y) * columns + column + x
                if 0 <= row + y < rows and 0 <= column + x < columns
                else self.count
                for y, x in around
            ]
            for row in range(rows)
            for column in range(columns)
        ]
