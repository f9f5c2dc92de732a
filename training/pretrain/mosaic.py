"""Mosaics whose tiles are the images of a batch: the same thing, near by and from afar.

Captions of a tile say nearly what a mask would, and of a whole street hardly more than of the next
one; but what a patch shows is seen better with all around it, and whole pictures are what inference
sees. So tiles of one mosaic come one after the other, each with captions of its own, and are
read alone or where they stood (as DINO learns from global and local views of an image: Caron et al.
2021).

Shape legend: b tiles, f mosaics, t tiles of one (b = f t), c channels, h w a tile, p patches of
a tile, q patches kept of each, d width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.tile_mixing import cut_tiles, join_tiles


@dataclass(frozen=True)
class Mosaic:
    """How a batch's images stand together.

    Attributes:
        tiles_hw: rows and columns of tiles of a mosaic.
        mirrored: whether each tile is mirrored, and columns so run from right to left.
    """

    tiles_hw: tuple[int, int]
    mirrored: bool = False

    @property
    def tiles(self) -> int:
        """Tiles of one mosaic."""
        return self.tiles_hw[0] * self.tiles_hw[1]

    def assemble(self, images_bchw: Tensor) -> Tensor:
        """(b, c, h, w) tiles, row by row -> (f, c, rows * h, columns * w) mosaics.

        Raises:
            ValueError: the tiles do not fill mosaics.

        >>> tiles = torch.arange(4.0).reshape(4, 1, 1, 1)
        >>> Mosaic((2, 2)).assemble(tiles).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
        >>> Mosaic((2, 2), mirrored=True).assemble(tiles).tolist()
        [[[[1.0, 0.0], [3.0, 2.0]]]]
        """
        b, c, h, w = images_bchw.shape
        rows, columns = self.tiles_hw
        if b % self.tiles:
            raise ValueError(
                f"{b} images do not fill mosaics of {rows}x{columns} tiles; expected a "
                f"multiple of {self.tiles}"
            )
        tiles_tfchw = images_bchw.reshape(-1, self.tiles, c, h, w).transpose(0, 1)
        return join_tiles(self._turned(tiles_tfchw), self.tiles_hw)

    def take_apart(self, maps_fcHW: Tensor) -> Tensor:
        """Maps of mosaics, at any resolution -> maps of tiles: :meth:`assemble`'s inverse."""
        tiles_tfchw = self._turned(cut_tiles(maps_fcHW, self.tiles_hw))
        return tiles_tfchw.transpose(0, 1).flatten(0, 1)

    def _turned(self, tiles_tfchw: Tensor) -> Tensor:
        """Columns from right to left where tiles are mirrored."""
        if not self.mirrored:
            return tiles_tfchw
        return tiles_tfchw.unflatten(0, self.tiles_hw).flip(1).flatten(0, 1)

    def tokens_of(self, grid_hw: tuple[int, int], kept_q: Tensor | None) -> Tensor:
        """Which patches of a mosaic are each tile's.

        Args:
            grid_hw: patch rows and columns of a tile.
            kept_q: int64 (q,), the patches of a tile that are kept; None: all.

        Returns:
            int64 (t, q), numbers in the mosaic's own grid, tiles in a batch's order.
        """
        rows, columns = self.tiles_hw
        numbers = torch.arange(self.tiles * grid_hw[0] * grid_hw[1])
        numbers_1chw = numbers.reshape(1, 1, rows * grid_hw[0], columns * grid_hw[1])
        tokens_tp = self.take_apart(numbers_1chw).flatten(1)
        return tokens_tp if kept_q is None else tokens_tp[:, kept_q.cpu()]
