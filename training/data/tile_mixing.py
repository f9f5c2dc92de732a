"""Tiles of a batch's images change places: a patch cannot know what its image shows elsewhere.

Captions say what an image shows, not where. A tower that sees all of an image can satisfy them from
anywhere: it learns *what is in the image* at every patch, and patches stop saying what they show
themselves. So the tower is shown canvases whose tiles come from different images (each tile stays
at its own place), and its answers are put back together by image before captions are asked: only
what stands inside a tile can help.

Shape legend: b images, t tiles, p patches (hp x wp), q patches kept, d width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from runtime.errors import UserError


class TileShuffle:
    """One way of exchanging tiles over a batch.

    Args:
        batch: b.
        tiles_hw: rows and columns of tiles; they have to divide whatever is shuffled.
        generator: draws the permutations.
    """

    def __init__(self, batch: int, tiles_hw: tuple[int, int], generator: torch.Generator) -> None:
        self.tiles_hw = tiles_hw
        rows, columns = tiles_hw
        # A tile's permutation over the batch; the first stays, or a batch of one tile would move.
        self.source_tb = torch.stack(
            [torch.randperm(batch, generator=generator) for _ in range(rows * columns)]
        )
        self.source_tb[0] = torch.arange(batch)
        self.target_tb = self.source_tb.argsort(dim=1)

    def shuffle(self, x_bchw: Tensor) -> Tensor:
        """(b, c, h, w) images -> canvases of the same shape."""
        return self._move(x_bchw, self.source_tb)

    def restore(self, x_bchw: Tensor) -> Tensor:
        """(b, c, h, w) maps of the canvases, at any resolution -> maps of the images."""
        return self._move(x_bchw, self.target_tb)

    def restore_tokens(
        self, tokens_bqd: Tensor, grid_hw: tuple[int, int], kept_q: Tensor | None = None
    ) -> Tensor:
        """Patch tokens of the canvases -> patch tokens of the images.

        Args:
            tokens_bqd: (b, q, d).
            grid_hw: patch rows and columns.
            kept_q: int64 (q,), which patches the tokens are; None: all, in order.
        """
        tall, wide = self._tile_size(grid_hw)
        patch_q = torch.arange(grid_hw[0] * grid_hw[1]) if kept_q is None else kept_q.cpu()
        row_q, column_q = patch_q // grid_hw[1], patch_q % grid_hw[1]
        tile_q = (row_q // tall) * self.tiles_hw[1] + column_q // wide
        rows_bq1 = self.target_tb[tile_q].T.unsqueeze(-1).to(tokens_bqd.device)
        return tokens_bqd.gather(0, rows_bq1.expand(-1, -1, tokens_bqd.shape[2]))

    def _tile_size(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """Height and width of a tile of a map.

        Raises:
            UserError: the tiles do not divide it.
        """
        (height, width), (rows, columns) = size_hw, self.tiles_hw
        if height % rows or width % columns:
            raise UserError(
                f"a map of {width}x{height} cannot be cut into {columns}x{rows} equal tiles; "
                "expected another data.size_wh, or a tile_mixing that divides its patches"
            )
        return height // rows, width // columns

    def _move(self, x_bchw: Tensor, rows_tb: Tensor) -> Tensor:
        if self.tiles_hw == (1, 1):  # whole images stay; a copy of all pixels is not cheap
            return x_bchw
        self._tile_size((x_bchw.shape[2], x_bchw.shape[3]))
        cut = cut_tiles(x_bchw, self.tiles_hw)
        index = torch.arange(cut.shape[0], device=x_bchw.device).unsqueeze(1)
        return join_tiles(cut[index, rows_tb.to(x_bchw.device)], self.tiles_hw)


def cut_tiles(maps_bchw: Tensor, tiles_hw: tuple[int, int]) -> Tensor:
    """(b, c, rows * h, columns * w) -> (t, b, c, h, w), tiles row by row."""
    b, c, tall, wide = maps_bchw.shape
    rows, columns = tiles_hw
    cut = maps_bchw.reshape(b, c, rows, tall // rows, columns, wide // columns)
    return cut.permute(2, 4, 0, 1, 3, 5).flatten(0, 1)


def join_tiles(tiles_tbchw: Tensor, tiles_hw: tuple[int, int]) -> Tensor:
    """(t, b, c, h, w) -> (b, c, rows * h, columns * w): :func:`cut_tiles`' inverse."""
    _, b, c, h, w = tiles_tbchw.shape
    rows, columns = tiles_hw
    grid = tiles_tbchw.reshape(rows, columns, b, c, h, w).permute(2, 3, 0, 4, 1, 5)
    return grid.reshape(b, c, rows * h, columns * w)


def draw_shuffle(batch: int, choices: tuple[tuple[int, int], ...], seed: int) -> TileShuffle:
    """One of several ways of cutting, each as likely, with its permutations."""
    generator = torch.Generator().manual_seed(seed)
    chosen = int(torch.randint(len(choices), (1,), generator=generator))
    return TileShuffle(batch, choices[chosen], generator)
