"""``tokens``: the last block as it is."""

from __future__ import annotations

from torch import Tensor

from training.model.dense.blocks import attend_and_transform
from training.model.dense.trunk import DenseMethod, Trunk


class Tokens(DenseMethod):
    """For towers that pool by *averaging* their patches (ours): every patch was trained to carry
    its share of the image embedding, and there is no pooling attention to take away.
    """

    def forward(self, trunk: Trunk) -> Tensor:
        """As :class:`DenseMethod` says."""
        x_bpc = attend_and_transform(trunk.block, trunk.late_bpc, trunk.pooled_hw)
        return trunk.patches_of(x_bpc)
