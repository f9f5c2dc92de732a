"""A convolutional stem for our own CLIPs, in place of the ViT's single patch projection.

A plain ViT must learn from data that neighbouring pixels belong together, and on a CPU's budget it
does not come to it: with the linear projection our tiny tower stood at the same loss from 25,000
images on. Early convolutions mend that (Xiao et al. 2021, "Early Convolutions Help Transformers See
Better"). The stem gives one token a patch of 8 pixels, so everything after it, position embeddings
included, is open_clip's ViT unchanged.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualConvs(nn.Module):
    """Two 3x3 convolutions with batch normalisation around a shortcut (a ResNet basic block)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(b, c, h, w) -> the same shape."""
        residual = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x_bchw)))))
        return F.relu(x_bchw + residual)


def _halve(channels_in: int, channels: int) -> nn.Sequential:
    """Half the resolution, other channels."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


class ConvStem(nn.Module):
    """Images to patch tokens at stride 8.

    Args:
        out_channels: width of the tower.
    """

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.halve1 = _halve(3, 32)
        self.halve2 = _halve(32, 64)
        self.blocks2 = nn.Sequential(ResidualConvs(64), ResidualConvs(64))
        self.halve3 = _halve(64, 128)
        self.blocks3 = nn.Sequential(ResidualConvs(128), ResidualConvs(128))
        self.project = nn.Conv2d(128, out_channels, 1)

    def forward(self, images_b3hw: Tensor) -> Tensor:
        """Normalised images (b, 3, h, w) -> (b, out_channels, h / 8, w / 8)."""
        x = self.blocks2(self.halve2(self.halve1(images_b3hw)))
        return self.project(self.blocks3(self.halve3(x)))
