"""CLIP's own dense features in the place of a trained model: what ``--training-free`` exports."""

from __future__ import annotations

import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

from training.model.dense import DenseEncoder, DenseFeatures
from training.model.units import UnitSettings

# Of towers that pool by their class token; those that average their patches are read as they are.
DEFAULT_DENSE = "sc-clip"
# Encoders differ in how alike all that they see is; one threshold of cosines does not serve two.
TRAINING_FREE_UNITS = UnitSettings(merge_spread=0.2)


class EnlargingDecoder(nn.Module):
    """Stands where no decoder was trained: CLIP's own features, bilinear, four times finer."""

    upscale = 4

    def forward(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """(b, D, hp, wp) patch embeddings -> (b, D, 4 hp, 4 wp); the images are not looked at."""
        height, width = features.embeddings_bdhw.shape[2:]
        size = (int(height) * self.upscale, int(width) * self.upscale)
        return F.interpolate(
            features.embeddings_bdhw, size=size, mode="bilinear", align_corners=False
        )


class ClipAlone(nn.Module):
    """CLIP's dense features without a trained decoder.

    Args:
        clip: a CLIP with a ViT image tower.
        dense: how its last block is read; None: ``tokens`` of a tower that averages its patches,
            ``maskclip`` of one that pools by attention, else ``DEFAULT_DENSE``.
        position_resize: how position embeddings come to another grid.

    Raises:
        ValueError: the method cannot read this tower.
    """

    def __init__(self, clip: CLIP, dense: str | None, position_resize: str = "size") -> None:
        super().__init__()
        self.encoder = DenseEncoder(clip, dense, position_resize=position_resize)
        if dense is None and self.encoder.visual.pool_type == "tok":
            self.encoder.read_as(DEFAULT_DENSE)
        self.decoder = EnlargingDecoder()


def native_size_wh(clip: CLIP) -> tuple[int, int]:
    """Return the image size in pixels that a CLIP was trained at."""
    size = clip.visual.image_size
    height, width = size if isinstance(size, tuple | list) else (size, size)
    return int(width), int(height)
