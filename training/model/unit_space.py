"""The space that pixels gather into units in: what varies within a surface counts for little there.

It is measured on training images, without labels: training.engine.unit_space.

Shape legend: n pixels or units, d embedding width, r width of the space.
"""

from __future__ import annotations

from torch import Tensor, nn

from training.model.unit_length import normalize


class UnitSpace(nn.Module):
    """An affine map of embeddings, then unit length.

    Args:
        center_d: (d,) the mean embedding.
        projection_dr: (d, r).

    Attributes:
        center_d, projection_dr: as given, buffers.
    """

    center_d: Tensor
    projection_dr: Tensor

    def __init__(self, center_d: Tensor, projection_dr: Tensor) -> None:
        super().__init__()
        self.register_buffer("center_d", center_d)
        self.register_buffer("projection_dr", projection_dr)

    def forward(self, embeddings_nd: Tensor) -> Tensor:
        """(..., n, d) unit-length embeddings -> (..., n, r), unit length."""
        offset_r = self.center_d @ self.projection_dr
        return normalize(embeddings_nd @ self.projection_dr - offset_r, dim=-1)
