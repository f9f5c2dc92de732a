"""The decoder D_v: the only part that MGCA trains.

Two gated residual blocks, each doubling the resolution (DESIGN section 4): patch grid -> 4x finer
pixel grid. A block adds ``gate * residual`` to the bilinearly enlarged embeddings; gates start at
zero, so an untrained decoder passes CLIP's own features through, and the residual may say anything
once it has earned it.

The residual is computed in a narrow width from three things: the encoder's late tokens (what), its
early tokens (where, inside the patch: a token's channels are shuffled out to the finer grid) and
the image itself at the block's resolution (the exact edge). Depthwise and pointwise convolutions
only: the whole decoder costs a few percent of the encoder.

Shape legend: b images, c encoder width, d embedding width, r residual width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model.dense import DenseFeatures
from training.model.resample import shrink_to


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of a (b, c, h, w) map, at every position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(b, c, h, w) -> the same shape."""
        return self.norm(x_bchw.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvBlock(nn.Module):
    """Depthwise 5x5, pointwise up, GELU, pointwise down, residual (a ConvNeXt block)."""

    def __init__(self, channels: int, expansion: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = ChannelNorm(channels)
        self.expand = nn.Conv2d(channels, channels * expansion, 1)
        self.contract = nn.Conv2d(channels * expansion, channels, 1)

    def forward(self, x_brhw: Tensor) -> Tensor:
        """(b, r, h, w) -> the same shape."""
        residual = self.contract(F.gelu(self.expand(self.norm(self.depthwise(x_brhw)))))
        return x_brhw + residual


class GatedUpsample(nn.Module):
    """One stage: embeddings and residual stream at twice the resolution.

    Args:
        embedding_width: d.
        width_in: channels of the incoming residual stream.
        width: r, channels of the outgoing one.
        image_channels: channels of the image's view at the finer grid.
    """

    def __init__(
        self, embedding_width: int, width_in: int, width: int, image_channels: int
    ) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width_in, width * 4, 1)
        self.look = nn.Conv2d(image_channels, width, 3, padding=1)
        self.mix = ConvBlock(width)
        self.speak = nn.Conv2d(width, embedding_width, 1)
        self.gate = nn.Parameter(torch.zeros(embedding_width, 1, 1))

    def forward(
        self, embeddings_bdhw: Tensor, stream_brhw: Tensor, image_bihw: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Double the resolution.

        Args:
            embeddings_bdhw: (b, d, h, w).
            stream_brhw: (b, width_in, h, w).
            image_bihw: (b, i, 2h, 2w), the image brought to the finer grid, space to depth.

        Returns:
            Embeddings (b, d, 2h, 2w) and stream (b, r, 2h, 2w).
        """
        stream = F.pixel_shuffle(self.spread(stream_brhw), 2) + self.look(image_bihw)
        stream = self.mix(stream)
        if self.training:
            # Vectors in one piece, for those who read the large map pixel by pixel.
            embeddings_bdhw = embeddings_bdhw.contiguous(memory_format=torch.channels_last)
            stream = stream.contiguous(memory_format=torch.channels_last)
        enlarged = F.interpolate(
            embeddings_bdhw, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        if self.training:
            # The same, the gate taken into the small matrix: a pass over the large map less, and
            # two in the gradient.
            weight, bias = self.gate.unsqueeze(1) * self.speak.weight, self.gate.flatten()
            return enlarged + F.conv2d(stream, weight, bias * self.speak.bias), stream
        return enlarged + self.gate * self.speak(stream), stream


class TwoStages(nn.Module):
    """What decoders have in common: two gated stages, each doubling the resolution."""

    upscale = 4
    stage1: GatedUpsample
    stage2: GatedUpsample

    @torch.no_grad()
    def close(self) -> None:
        """Set the gates back to zero: the embeddings pass through, whatever was learned before."""
        for stage in (self.stage1, self.stage2):
            stage.gate.zero_()


def view_image(images_b3hw: Tensor, features: DenseFeatures) -> tuple[Tensor, Tensor]:
    """The image as either stage sees it: the four quarters of every cell of its grid.

    Returns:
        (b, 12, 2 hp, 2 wp) and (b, 12, 4 hp, 4 wp).
    """
    rows, columns = (int(side) for side in features.late_bchw.shape[2:])
    halves = shrink_to(images_b3hw, (rows * 8, columns * 8))
    return F.pixel_unshuffle(F.avg_pool2d(halves, 2), 2), F.pixel_unshuffle(halves, 2)


class GatedDecoder(TwoStages):
    """Dense CLIP features and the image in, pixel embeddings on a 4x finer grid out.

    Args:
        embedding_width: d, CLIP's shared embedding width.
        encoder_width: c, the image tower's token width.
        width: r, channels of the residual stream on the fine grids; twice that on the patch grid,
            where channels are cheap.
        depth: blocks on the patch grid.
    """

    def __init__(
        self, embedding_width: int, encoder_width: int, width: int = 64, depth: int = 4
    ) -> None:
        super().__init__()
        self.width = width
        coarse = 2 * width
        self.late_norm = ChannelNorm(encoder_width)
        self.early_norm = ChannelNorm(encoder_width)
        self.read_late = nn.Conv2d(encoder_width, coarse, 1)
        self.read_early = nn.Conv2d(encoder_width, coarse, 1)
        self.coarse = nn.Sequential(*(ConvBlock(coarse) for _ in range(depth)))
        # Each stage sees the image as the four quarters of every cell of its own grid: 3 x 4.
        self.stage1 = GatedUpsample(embedding_width, coarse, width, 3 * 4)
        self.stage2 = GatedUpsample(embedding_width, width, width, 3 * 4)

    def forward(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """Decode.

        Args:
            features: dense features of the images.
            images_b3hw: the same normalised images.

        Returns:
            (b, d, 4 hp, 4 wp) embeddings, not normalised.
        """
        stream = self.read_late(self.late_norm(features.late_bchw))
        stream = stream + self.read_early(self.early_norm(features.early_bchw))
        stream = self.coarse(stream)
        coarse_view, fine_view = view_image(images_b3hw, features)
        embeddings, stream = self.stage1(features.embeddings_bdhw, stream, coarse_view)
        embeddings, _ = self.stage2(embeddings, stream, fine_view)
        return embeddings
