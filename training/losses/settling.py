"""Maps follow the image's edges: a pixel takes on what those around it say that look like it.

Pixel-adaptive refinement after Araslanov and Roth 2020 (PAMR), used on what a decoder is taught,
never on what it predicts: the decoder sees the image and can learn where things end.

Shape legend: b images, k maps of each, n neighbours, h w pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.affinity import patch_affinity
from training.model.resample import shrink_to

DILATIONS = (1, 2, 4)
# Rounds in which pixels take on what those around them say. Each reaches four pixels further: one
# patch, on the decoder's grid.
ROUNDS = 3
_STEPS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx)


def neighbour_affinity(colors_b3hw: Tensor, temperature: float = 0.3) -> Tensor:
    """How alike each pixel and its neighbours look, contrast taken out.

    Args:
        colors_b3hw: float (b, 3, h, w) in [0, 1].
        temperature: of the softmax over neighbours, in standard deviations of their colors.

    Returns:
        (b, n, h, w), n = 8 directions at each of :data:`DILATIONS`; sums to 1 over n.
    """
    around = torch.stack(list(_neighbours(colors_b3hw)), dim=1)
    centre = colors_b3hw.unsqueeze(1)
    spread = torch.cat([around, centre], dim=1).std(1, keepdim=True)
    distance = ((around - centre).abs() / (temperature * spread + 1e-6)).mean(2)
    return torch.softmax(-distance, dim=1)


def refine_maps(maps_bkhw: Tensor, affinity_bnhw: Tensor, rounds: int) -> Tensor:
    """Average every pixel over its neighbours, ``rounds`` times.

    Args:
        maps_bkhw: float (b, k, h, w); probabilities stay probabilities.
        affinity_bnhw: see :func:`neighbour_affinity`.
        rounds: each reaches 4 pixels further; 0 changes nothing.

    Returns:
        (b, k, h, w).
    """
    for _ in range(rounds):
        refined = torch.zeros_like(maps_bkhw)
        for n, neighbour_bkhw in enumerate(_neighbours(maps_bkhw)):
            refined.addcmul_(neighbour_bkhw, affinity_bnhw[:, n : n + 1])
        maps_bkhw = refined
    return maps_bkhw


def _neighbours(x_bchw: Tensor) -> Iterator[Tensor]:
    """Each neighbour's map in turn, edges repeated."""
    height, width = x_bchw.shape[2:]
    for reach in DILATIONS:
        padded = F.pad(x_bchw, (reach,) * 4, mode="replicate")
        for dy, dx in _STEPS:
            top, left = reach * (1 + dy), reach * (1 + dx)
            yield padded[:, :, top : top + height, left : left + width]


class Settling:
    """Averages what the pixels of a batch say over what looks the same in each image: over the
    whole image by patches, then over each pixel's neighbours.

    Args:
        colors_b3hw: float (b, 3, h, w) in [0, 1], the images.
        patches_hw: rows and columns of patches.
        fine_hw: rows and columns of the decoder's grid, multiples of the patches'.
        sharpness: see :func:`training.losses.affinity.patch_affinity`.
        contrast_weight: see there.
        rounds: see :func:`refine_maps`.
        candidates: maps settled an image, the largest first; the others are small, and this is
            where the time goes.
    """

    def __init__(
        self,
        colors_b3hw: Tensor,
        patches_hw: tuple[int, int],
        fine_hw: tuple[int, int],
        *,
        sharpness: float,
        rounds: int = ROUNDS,
        contrast_weight: float = 1.0,
        candidates: int = 8,
    ) -> None:
        self.fine_hw = fine_hw
        self.patches_hw = patches_hw
        self.rounds = rounds
        self.candidates = candidates
        self.patches_bpp = patch_affinity(
            colors_b3hw, patches_hw, sharpness=sharpness, contrast_weight=contrast_weight
        )
        self.neighbours_bnhw = neighbour_affinity(shrink_to(colors_b3hw, fine_hw))

    def targets(self, target_bnu: Tensor) -> Tensor:
        """Probabilities of u words at n fine pixels, (b, n, u), settled; rows still sum to 1."""
        largest_bk = target_bnu.mean(1).topk(min(self.candidates, target_bnu.shape[2])).indices
        columns_bnk = largest_bk.unsqueeze(1).expand(-1, target_bnu.shape[1], -1)
        chosen_bnk = target_bnu.gather(2, columns_bnk)
        settled_bnk = self._settle(chosen_bnk, self.patches_bpp, self.neighbours_bnhw)
        settled_bnk = settled_bnk / settled_bnk.sum(-1, keepdim=True).clamp_min(1e-6)
        return torch.zeros_like(target_bnu).scatter(2, columns_bnk, settled_bnk)

    def own(self, own_jn: Tensor, owner_j: Tensor) -> Tensor:
        """Each caption's map on its own image (j, n), settled."""
        return self._settle(
            own_jn.unsqueeze(-1), self.patches_bpp[owner_j], self.neighbours_bnhw[owner_j]
        ).squeeze(-1)

    def _settle(self, maps_bnk: Tensor, patches_bpp: Tensor, neighbours_bnhw: Tensor) -> Tensor:
        """(b, n, k) -> (b, n, k)."""
        maps_bkhw = maps_bnk.transpose(1, 2).unflatten(2, self.fine_hw)
        coarse_bkp = F.adaptive_avg_pool2d(maps_bkhw, self.patches_hw).flatten(2)
        coarse_bkp = coarse_bkp @ patches_bpp.transpose(1, 2)
        enlarged_bkhw = F.interpolate(
            coarse_bkp.unflatten(2, self.patches_hw),
            size=self.fine_hw,
            mode="bilinear",
            align_corners=False,
        )
        return refine_maps(enlarged_bkhw, neighbours_bnhw, self.rounds).flatten(2).transpose(1, 2)
