"""Which patches of an image look alike: by color, texture and place, not by what a network says.

Captions do not say where a thing ends, and a network taught by its own choice never finds out: what
it says spills over a thing's edge and stays there. Color knows. So targets are averaged over the
patches that look the same (Araslanov and Roth 2020 refine pseudo masks so, pixel by pixel): a patch
of wall beside a person is taught by all the other patches of that wall.

Shape legend: b images, q patches (kept ones), p all patches, h w image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def patch_affinity(
    images_b3hw: Tensor,
    grid_hw: tuple[int, int],
    kept_q: Tensor | None = None,
    *,
    sharpness: float = 100.0,
    contrast_weight: float = 1.0,
    place_weight: float = 0.3,
) -> Tensor:
    """How alike the patches of each image look.

    Args:
        images_b3hw: float (b, 3, h, w) in [0, 1]; sides multiples of the grid's.
        grid_hw: patch rows and columns.
        kept_q: int64 (q,), the patches wanted; None: all.
        sharpness: inverse temperature of the squared distance.
        contrast_weight: weight of the colors' standard deviation beside the mean color. What is
            thinner than a patch hardly changes its mean: at 1 a third of what poles' patches are
            taught comes from patches without one, at 4 less than a fifth
            (docs/experiments/017-targets-and-an-ema-teacher.md).
        place_weight: weight of the place (x and y in [0, 1] of the longer side) beside them.

    Returns:
        (b, q, q) in [0, 1], rows sum to 1: row i, what each patch has to say to patch i.

    >>> image = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(1, 3, 1, 4)
    >>> patch_affinity(image, (1, 2), place_weight=0.0).round().tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    b, _, h, w = images_b3hw.shape
    cell_hw = (h // grid_hw[0], w // grid_hw[1])
    mean = F.avg_pool2d(images_b3hw, cell_hw)
    deviation = (F.avg_pool2d(images_b3hw.square(), cell_hw) - mean.square()).clamp_min(0).sqrt()
    longer = max(grid_hw)
    y = (torch.arange(grid_hw[0], device=mean.device) + 0.5) / longer
    x = (torch.arange(grid_hw[1], device=mean.device) + 0.5) / longer
    place = torch.stack(torch.meshgrid(y, x, indexing="ij")) * place_weight
    looks = torch.cat([mean, contrast_weight * deviation, place.expand(b, -1, -1, -1)], dim=1)
    looks_bqf = looks.flatten(2).transpose(1, 2)
    if kept_q is not None:
        looks_bqf = looks_bqf.index_select(1, kept_q)
    # -|x - y|^2 up to x's own length, which softmax does not see.
    square_bq = looks_bqf.square().sum(-1)
    closeness_bqq = 2.0 * looks_bqf @ looks_bqf.transpose(1, 2) - square_bq.unsqueeze(1)
    return torch.softmax(sharpness * closeness_bqq, dim=-1)
