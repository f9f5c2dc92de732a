"""Adaptive semantic units: the image decides how many there are (DESIGN section 4).

Groups are too few and fixed, pixels too many and noisy. Here seeds on a coarse grid take hold of
the pixels that are like them (a few rounds of soft k-means over embedding, color and place); units
that say the same thing merge; what is left meets the text. What differs from the rest of its cell
of that grid, a pole before a wall, may start from a seed of its own.

A pixel sees the slots of its own cell and of the eight around it, as superpixels have it (SLIC,
Achanta et al. 2012; superpixel sampling networks, Jampani et al. 2018): 9 or 18 candidates whatever
the size of the image. What is larger than that is made of units by merging, which is global.

Pixels may gather in a space of their own (training.model.unit_space); what meets the text is the
mean of their embeddings as they are.

Everything has a fixed shape: a merged unit keeps its slot and is simply empty. There is no Loop, no
NonZero and no Scatter, so it traces into the same graph as the encoder.

Shape legend: h w the decoder's grid, d embedding width, r width of the space (d without one), f
feature width (r + 3 + 2, or r + 3 where places count for nothing); k cells of m pixels with s slots
each, u = k s slots in all, c = 9 s candidates of a pixel (training.model.cells).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.cells import Cells
from training.model.unit_length import normalize
from training.model.unit_merging import find_leaders, gather_sums
from training.model.unit_space import UnitSpace

# The squared distance, sharpened, of candidates that do not exist: their share is zero, and the
# number is small enough for half precision.
_FAR = 1e4


@dataclass(frozen=True, kw_only=True)
class UnitSettings:
    """How pixels gather into units; chosen by ablation on StreetWorld
    (docs/experiments/020-thin-things.md).
    """

    seeds: int = 64
    """About how many seeds, one for each cell of the coarse grid, which keeps the picture's aspect,
    so that the true number may differ a little.
    """
    second_seeds: float = 0.0
    """Above 0, each cell has a second seed, so there are twice as many: the mean of its pixels,
    each weighed by the softmax of this times its squared distance to the cell's mean. 0: one a
    cell.
    """
    rounds: int = 3
    """Soft-assignment rounds."""
    space_width: int = 0
    """Width of the space that pixels gather in, measured at the end of training
    (training.model.unit_space); 0: the embeddings as they are.
    """
    embedding_weight: float = 1.0
    """Weight of the unit-length embedding, or of its place in that space, in the distance."""
    color_weight: float = 0.5
    """Weight of the color (RGB in [0, 1])."""
    place_weight: float = 0.5
    """Weight of the place (x and y in [0, 1] of the longer side)."""
    sharpness: float = 40.0
    """Inverse temperature of the assignment softmax; times the squared distance."""
    merge_cosine: float = 0.9
    """Units whose means are at least this alike (in that space) become one. Above 1: never."""
    merge_spread: float = 0.0
    """Above 0, this decides in the place of ``merge_cosine``: units become one whose means are at
    most this many times as far apart as units of the image are on average (squared distances). What
    all of an image's features have in common, much in some encoders and little in others, then
    counts for nothing.
    """
    merge_rounds: int = 1
    """How often. The means of merged units lie closer together than those of their parts, so a
    plain picture goes on merging where a busy one has nothing left to merge.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("seeds", "rounds", "merge_rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"units.{name} is {getattr(self, name)}; expected at least 1")
        if self.sharpness <= 0:
            raise ValueError(f"sharpness is {self.sharpness}; expected a positive number")
        for name in ("space_width", "second_seeds", "merge_spread"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"units.{name} is {getattr(self, name)}; expected 0 (none) or more"
                )


@dataclass(frozen=True)
class Units:
    """The units of one image.

    Attributes:
        pixels_kmd: (k, m, d), unit length: the pixels' own embeddings, cell by cell.
        embeddings_ud: (u, d), unit length; slots that merged into another are copies of nothing:
            zeros.
        shares_kmc: (k, m, c) in [0, 1]: how much of each pixel belongs to each of its candidates,
            summing to 1 over them. Before merging.
        slot_of_u: (u,) int64, where each slot merged to; itself, where it did not.
        unit_of_pixel_hw: (h, w) int64, the slot each pixel belongs to most. After merging.
        cells: how the grid is cut.
    """

    pixels_kmd: Tensor
    embeddings_ud: Tensor
    shares_kmc: Tensor
    slot_of_u: Tensor
    unit_of_pixel_hw: Tensor
    cells: Cells

    def read(self, values_uf: Tensor) -> Tensor:
        """What each pixel gets if each unit has a value: (u, f) -> (f, h, w)."""
        # A slot that merged has what it merged to has; so pixels need no shares in merged units.
        values_uf = values_uf.index_select(0, self.slot_of_u)
        values_ksf = values_uf.reshape(self.cells.count, -1, values_uf.shape[1])
        return self.cells.join(self.shares_kmc @ self.cells.near(values_ksf))

    @property
    def assignment_nu(self) -> Tensor:
        """(n, u) in [0, 1], pixels row by row: shares after merging; rows sum to 1, zero in empty
        slots. For figures and tests: large, and of no use to the graph.
        """
        slots = self.slot_of_u.shape[0]
        return self.read(torch.eye(slots, device=self.shares_kmc.device)).flatten(1).T


def seed_grid(grid_hw: tuple[int, int], seeds: int) -> tuple[int, int]:
    """Rows and columns of about ``seeds`` nearly square cells that divide a grid evenly.

    >>> seed_grid((48, 64), 48)
    (6, 8)
    """
    height, width = grid_hw
    rows = _nearest_divisor(height, (seeds * height / width) ** 0.5)
    return rows, _nearest_divisor(width, seeds / rows)


def _nearest_divisor(number: int, wanted: float) -> int:
    """The divisor of ``number`` with the smallest ratio to ``wanted``; of two, the smaller.

    Rounded, for 12 and 18 are equally far from the root of 216 and only their last digits are not.
    """
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    return min(divisors, key=lambda d: round(max(d / wanted, wanted / d), 9))


def _second_seeds(cells_kmf: Tensor, means_k1f: Tensor, sharpness: float) -> Tensor:
    """What differs most from the mean of its cell, in each: (k, 1, f).

    A mean alone has nothing of a thin thing that crosses its cell, and of a small one little.
    """
    apart_km = (cells_kmf - means_k1f).square().sum(2)
    share_k1m = F.softmax(apart_km * sharpness, dim=1).unsqueeze(1)
    return share_k1m @ cells_kmf


class AdaptiveUnits(nn.Module):
    """Gather one image's pixels into units.

    Args:
        settings: see :class:`UnitSettings`.
        space: where pixels gather; None: among the embeddings as they are.
    """

    def __init__(self, settings: UnitSettings, space: UnitSpace | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.space = space

    def forward(self, embeddings_dhw: Tensor, colors_3hw: Tensor) -> Units:
        """Find the units.

        Args:
            embeddings_dhw: (d, h, w) float, of any length along d: their directions count.
            colors_3hw: (3, h, w) float in [0, 1], the image averaged to the same grid.

        Returns:
            The units of the image.
        """
        height, width = int(embeddings_dhw.shape[1]), int(embeddings_dhw.shape[2])
        cells = Cells((height, width), seed_grid((height, width), self.settings.seeds))
        # Along the last axis lengths are taken several times as fast as along the first.
        pixels_kmd = normalize(cells.split(embeddings_dhw), dim=2)
        shares_kmc = self._assign(self._features(pixels_kmd, colors_3hw, cells), cells)
        sums_ud = cells.collect(shares_kmc.transpose(1, 2) @ pixels_kmd).flatten(0, 1)
        slot_of_u, merged_ud = self._merge(sums_ud)
        unit_of_pixel_hw = _strongest(shares_kmc, slot_of_u, cells)
        return Units(
            pixels_kmd,
            normalize(merged_ud, dim=1),
            shares_kmc,
            slot_of_u,
            unit_of_pixel_hw,
            cells,
        )

    def _features(self, pixels_kmd: Tensor, colors_3hw: Tensor, cells: Cells) -> Tensor:
        """Pixel features (k, m, f + 1); the last is 1, so that sums of features count pixels too.

        Color and place are taken from the middle of their ranges: distances stay as they are, and
        the squares they are made of stay small enough for a backend that computes in bfloat16.
        """
        settings = self.settings
        colors_kmf = cells.split((colors_3hw - 0.5) * settings.color_weight)
        placed_kmr = pixels_kmd if self.space is None else self.space(pixels_kmd)
        parts = [placed_kmr * settings.embedding_weight, colors_kmf]
        if settings.place_weight:
            parts.append(self._places(cells, colors_3hw))
        return torch.cat([*parts, torch.ones_like(colors_kmf[..., :1])], dim=2)

    def _places(self, cells: Cells, like: Tensor) -> Tensor:
        """Where each pixel is, weighed: (k, m, 2)."""
        height, width = cells.grid_hw
        longer = max(height, width)
        y_h = (torch.arange(height, device=like.device) + 0.5 - height / 2) / longer
        x_w = (torch.arange(width, device=like.device) + 0.5 - width / 2) / longer
        place_2hw = torch.stack(torch.meshgrid(y_h, x_w, indexing="ij"))
        return cells.split(place_2hw.to(like.dtype) * self.settings.place_weight)

    def _seeds(self, features_kmf: Tensor) -> Tensor:
        """What the units start from: (k, s, f)."""
        means_k1f = features_kmf.mean(1, keepdim=True)
        if self.settings.second_seeds <= 0:
            return means_k1f
        second_k1f = _second_seeds(features_kmf, means_k1f, self.settings.second_seeds)
        return torch.cat([means_k1f, second_k1f], dim=1)

    def _assign(self, features_kmf: Tensor, cells: Cells) -> Tensor:
        """Soft k-means: (k, m, c), summing to 1 over the candidates."""
        rounds = self.settings.rounds
        shares_kmc = self._share(features_kmf, self._seeds(features_kmf), cells)
        for _ in range(rounds - 1):
            sums_ksf = cells.collect(shares_kmc.transpose(1, 2) @ features_kmf)
            # The last feature of every pixel is 1: its sum is how many pixels a slot has.
            centres_ksf = sums_ksf / sums_ksf[..., -1:].clamp_min(1e-3)
            shares_kmc = self._share(features_kmf, centres_ksf, cells)
        return shares_kmc

    def _share(self, features_kmf: Tensor, centres_ksf: Tensor, cells: Cells) -> Tensor:
        """What pixels (k, m, f + 1) have of the centres (k, s, f + 1) around: (k, m, c)."""
        sharpness = self.settings.sharpness
        # -|x - c|^2 up to the pixel's own length, which softmax over c does not see: 2 x c - |c|^2,
        # and the second term meets the feature that is 1. The factors go into the few centres, not
        # into the many pixels.
        centres_ksf = centres_ksf[..., :-1]
        offset_ks1 = centres_ksf.square().sum(2, keepdim=True) * -sharpness
        sharp_ksf = torch.cat([centres_ksf * (2.0 * sharpness), offset_ks1], dim=2)
        far_f = F.pad(sharp_ksf.new_zeros(centres_ksf.shape[2]), (0, 1), value=-_FAR)
        return F.softmax(features_kmf @ cells.near(sharp_ksf, far_f).transpose(1, 2), dim=2)

    def _merge(self, sums_ud: Tensor) -> tuple[Tensor, Tensor]:
        """(u,) int64, the slot that each slot moves into, and the sums (u, d) after that."""
        settings, slot_of_u, merged_ud = self.settings, None, sums_ud
        for _ in range(settings.merge_rounds):
            means_ur = normalize(merged_ud, dim=1)
            if self.space is not None:
                means_ur = self.space(means_ur)
            leader_u = find_leaders(means_ur, settings.merge_cosine, settings.merge_spread)
            slot_of_u = leader_u if slot_of_u is None else leader_u.index_select(0, slot_of_u)
            # A merged unit's sum is the sum of its slots' sums: no second pass over the pixels.
            merged_ud = gather_sums(sums_ud, slot_of_u)
        assert slot_of_u is not None, "merge_rounds is at least 1"
        return slot_of_u, merged_ud


def _strongest(shares_kmc: Tensor, slot_of_u: Tensor, cells: Cells) -> Tensor:
    """(h, w) int64: the unit that each pixel belongs to most, after merging."""
    # As float, for padding and comparing: a slot's number is far below 2^24, so it stays exact.
    slots_ks1 = slot_of_u.to(shares_kmc.dtype).reshape(cells.count, -1, 1)
    slots_kc1 = cells.near(slots_ks1, -slots_ks1.new_ones(1))
    same_kcc = (slots_kc1 == slots_kc1.transpose(1, 2)).to(shares_kmc.dtype)
    best_km = (shares_kmc @ same_kcc).argmax(2)
    unit_km = slots_kc1.squeeze(2).gather(1, best_km)
    return cells.join(unit_km.unsqueeze(2))[0].to(torch.int64)
