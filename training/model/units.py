"""Adaptive semantic units: the image decides how many there are (DESIGN section 4).

Groups are too few and fixed, pixels too many and noisy. Here seeds on a coarse grid take hold of
the pixels that are like them (a few rounds of soft k-means over embedding, color and place); units
that say the same thing merge; what is left meets the text. What differs from the rest of its cell
of that grid, a pole before a wall, may start from a seed of its own.

Pixels may gather in a space of their own (training.model.unit_space); what meets the text is the
mean of their embeddings as they are.

Everything has a fixed shape: a merged unit keeps its slot and is simply empty. The operations are
MatMul, Softmax, AveragePool, Equal, ArgMax and arithmetic, so it traces into the same graph as the
encoder, with no Loop, NonZero or Scatter.

Shape legend: n pixels (h x w), d embedding width, r width of the space (d without one), f feature
width (r + 3 + 2), u unit slots, k cells of the coarse grid of m pixels each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.mgca import normalize
from training.model.unit_space import UnitSpace


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
        for name in ("space_width", "second_seeds"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"units.{name} is {getattr(self, name)}; expected 0 (none) or more"
                )


@dataclass(frozen=True)
class Units:
    """The units of one image.

    Attributes:
        embeddings_ud: (u, d), unit length; slots that merged into another are copies of nothing:
            zeros.
        assignment_nu: (n, u) in [0, 1], rows sum to 1, zero in empty slots.
        unit_of_pixel_n: (n,) int64, the slot each pixel belongs to most.
    """

    embeddings_ud: Tensor
    assignment_nu: Tensor
    unit_of_pixel_n: Tensor


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


def _second_seeds(
    features_fhw: Tensor, means_fk: Tensor, seeds_hw: tuple[int, int], sharpness: float
) -> Tensor:
    """What differs most from the mean of its cell, in each: (f, k).

    A mean alone has nothing of a thin thing that crosses its cell, and of a small one little.
    """
    width, (rows, columns) = features_fhw.shape[0], seeds_hw
    tall, wide = features_fhw.shape[1] // rows, features_fhw.shape[2] // columns
    cells_fkm = (
        features_fhw.reshape(width, rows, tall, columns, wide)
        .permute(0, 1, 3, 2, 4)
        .reshape(width, rows * columns, tall * wide)
    )
    apart_km = (cells_fkm - means_fk.unsqueeze(2)).square().sum(0)
    share_km = F.softmax(apart_km * sharpness, dim=1)
    return (cells_fkm * share_km).sum(2)


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
            embeddings_dhw: (d, h, w) float, unit length along d.
            colors_3hw: (3, h, w) float in [0, 1], the image averaged to the same grid.

        Returns:
            The units of the image.
        """
        features_nf, initial_uf = self._features(embeddings_dhw, colors_3hw)
        assignment_nu = self._assign(features_nf, initial_uf)
        embeddings_nd = embeddings_dhw.flatten(1).transpose(0, 1)
        sums_ud = assignment_nu.transpose(0, 1) @ embeddings_nd
        merge_uu = self._merge_map(sums_ud)
        # A merged unit's sum is the sum of its slots' sums: no second pass over the pixels.
        merged_ud = merge_uu.transpose(0, 1) @ sums_ud
        for _ in range(self.settings.merge_rounds - 1):
            again_uu = self._merge_map(merged_ud)
            merged_ud = again_uu.transpose(0, 1) @ merged_ud
            merge_uu = merge_uu @ again_uu
        merged_nu = assignment_nu @ merge_uu
        return Units(normalize(merged_ud, dim=1), merged_nu, merged_nu.argmax(dim=1))

    def _features(self, embeddings_dhw: Tensor, colors_3hw: Tensor) -> tuple[Tensor, Tensor]:
        """Pixel features (n, f) and the seeds among them (u, f).

        Color and place are taken from the middle of their ranges: distances stay as they are, and
        the squares they are made of stay small enough for a backend that computes in bfloat16.
        """
        settings = self.settings
        height, width = int(embeddings_dhw.shape[1]), int(embeddings_dhw.shape[2])
        longer = max(height, width)
        device = embeddings_dhw.device
        y_h1 = (torch.arange(height, device=device) + 0.5 - height / 2).reshape(height, 1) / longer
        x_1w = (torch.arange(width, device=device) + 0.5 - width / 2).reshape(1, width) / longer
        place_2hw = torch.stack([y_h1.expand(height, width), x_1w.expand(height, width)])
        features_fhw = torch.cat(
            [
                self._placed(embeddings_dhw),
                (colors_3hw - 0.5) * settings.color_weight,
                place_2hw.to(embeddings_dhw.dtype) * settings.place_weight,
            ]
        )
        seeds_hw = seed_grid((height, width), settings.seeds)
        cell_hw = (height // seeds_hw[0], width // seeds_hw[1])
        seeds_fu = F.avg_pool2d(features_fhw.unsqueeze(0), cell_hw)[0].flatten(1)
        if settings.second_seeds > 0:
            second_fk = _second_seeds(features_fhw, seeds_fu, seeds_hw, settings.second_seeds)
            seeds_fu = torch.cat([seeds_fu, second_fk], dim=1)
        return features_fhw.flatten(1).transpose(0, 1), seeds_fu.transpose(0, 1)

    def _placed(self, embeddings_dhw: Tensor) -> Tensor:
        """The embeddings in the units' space, weighed: (r, h, w)."""
        if self.space is not None:
            placed_nr = self.space(embeddings_dhw.flatten(1).transpose(0, 1))
            embeddings_dhw = placed_nr.transpose(0, 1).reshape(-1, *embeddings_dhw.shape[1:])
        weight = self.settings.embedding_weight
        return embeddings_dhw if weight == 1.0 else embeddings_dhw * weight

    def _assign(self, features_nf: Tensor, centres_uf: Tensor) -> Tensor:
        """Soft k-means: (n, u), rows sum to 1."""
        settings = self.settings
        for round_index in range(settings.rounds):
            # -|x - c|^2 up to the pixel's own length, which softmax over u does not see.
            # The factors go into the few centres, not into the many pixels.
            sharp_fu = (centres_uf * (2.0 * settings.sharpness)).transpose(0, 1)
            offset_u = centres_uf.square().sum(1) * settings.sharpness
            assignment_nu = F.softmax(features_nf @ sharp_fu - offset_u, dim=1)
            if round_index + 1 < settings.rounds:
                mass_u1 = assignment_nu.sum(0).unsqueeze(1)
                centres_uf = (assignment_nu.transpose(0, 1) @ features_nf) / mass_u1.clamp_min(1e-3)
        return assignment_nu

    def _merge_map(self, sums_ud: Tensor) -> Tensor:
        """(u, u) one-hot rows: the slot that each slot moves into.

        A slot follows the first slot that says the same as it does; a second hop lets short chains
        meet.
        """
        means_ur = normalize(sums_ud, dim=1)
        if self.space is not None:
            means_ur = self.space(means_ur)
        alike_uu = (means_ur @ means_ur.transpose(0, 1) >= self.settings.merge_cosine).to(
            means_ur.dtype
        )
        slots = alike_uu.shape[0]
        alike_uu = torch.maximum(
            alike_uu, torch.eye(slots, device=means_ur.device, dtype=means_ur.dtype)
        )
        # Falling weights make the first of several alike slots the largest: ArgMax has no guarantee
        # on ties.
        falling_u = torch.arange(slots, 0, -1, device=means_ur.device, dtype=means_ur.dtype)
        leader_u1 = (alike_uu * falling_u).argmax(dim=1, keepdim=True)
        hop_uu = (leader_u1 == torch.arange(slots, device=means_ur.device)).to(means_ur.dtype)
        return hop_uu @ hop_uu
