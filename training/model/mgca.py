"""The whole model: frozen CLIP, dense features, decoder, and the text side with its centre.

Shape legend: b images, n captions, d embedding width, h' w' the decoder's grid.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from open_clip import CLIP
from torch import Tensor, nn

from training.model.activation import ACTIVATIONS
from training.model.clip import encode_text
from training.model.decoder import GatedDecoder
from training.model.dense import DenseEncoder
from training.model.prompts import TEMPLATE_SETS


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which CLIP, read how, decoded how wide."""

    clip_name: str = "mgca-tiny"
    """open_clip model name."""
    pretrained: str | None = None
    """open_clip tag or local file of weights; None when the weights come with the checkpoint."""
    activation: str | None = None
    """``quickgelu`` or ``gelu``: what the weights were trained with; None: as their tag or their
    content says. A file that does not say needs it.
    """
    dense: str | None = None
    """Dense mode (training.model.dense.DENSE_MODES); None chooses by the tower's pooling."""
    early_block: int = 1
    """Block whose tokens the decoder sees as its early view."""
    decoder_width: int = 64
    """Channels of the decoder's residual stream on the fine grids."""
    decoder_depth: int = 4
    """Convolution blocks of the decoder on the patch grid."""
    center_text: bool = True
    """Take the mean caption off every text embedding. Not for a CLIP whose patches were trained
    against the words themselves (pretrain.noun_weight): it costs that one 2 to 7 mIoU.
    """
    prompts: str | None = None
    """Sentences that the noun level trains nouns in, and that a name is embedded in at evaluation
    and in exports (training.model.prompts.TEMPLATE_SETS); None chooses by the CLIP.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.decoder_width < 8:
            raise ValueError(f"decoder_width is {self.decoder_width}; expected at least 8")
        if self.early_block < 0:
            raise ValueError(f"early_block is {self.early_block}; expected a block index from 0")
        if self.activation not in (None, *ACTIVATIONS):
            raise ValueError(
                f"activation is '{self.activation}'; expected {' or '.join(ACTIVATIONS)}"
            )
        if self.prompts is not None and self.prompts not in TEMPLATE_SETS:
            raise ValueError(
                f"prompts is '{self.prompts}'; expected one of {', '.join(sorted(TEMPLATE_SETS))}"
            )


def with_names_as(built: ModelConfig, wanted: ModelConfig) -> ModelConfig:
    """``built`` with what another configuration says of names: settings that need no other
    weights.
    """
    return dataclasses.replace(built, prompts=wanted.prompts, center_text=wanted.center_text)


class MgcaModel(nn.Module):
    """E_v and E_t frozen, D_v trained (DESIGN section 4).

    Args:
        clip: a frozen open_clip CLIP.
        config: how to read and decode it.

    Attributes:
        text_center: (d,) mean of caption embeddings, taken off every text embedding: bare words sit
            in a narrow cone among captions, and what they share says nothing about which word it
            is. Zeros: no centring.
    """

    text_center: Tensor

    def __init__(self, clip: CLIP, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.clip = clip
        self.encoder = DenseEncoder(clip, config.dense, config.early_block)
        self.decoder = GatedDecoder(
            self.encoder.embedding_width,
            self.encoder.width,
            config.decoder_width,
            config.decoder_depth,
        )
        self.register_buffer("text_center", torch.zeros(self.encoder.embedding_width))
        clip.requires_grad_(False)

    def train(self, mode: bool = True) -> MgcaModel:
        """Set the decoder's mode; the frozen encoders always stay in eval mode."""
        super().train(mode)
        self.clip.eval()
        return self

    def pixel_embeddings(self, images_b3hw: Tensor) -> Tensor:
        """V: L2-normalised pixel embeddings.

        Args:
            images_b3hw: float (b, 3, h, w), normalised RGB, sides multiples of the patch size.

        Returns:
            (b, d, h', w') with h' = 4 h / patch, unit length along d.
        """
        with torch.no_grad():
            features = self.encoder(images_b3hw)
        return normalize(self.decoder(features, images_b3hw), dim=1)

    def baseline_embeddings(self, images_b3hw: Tensor) -> Tensor:
        """CLIP's own dense features, enlarged to the decoder's grid: what an untrained decoder
        gives.
        """
        enlarged = self.encoder(images_b3hw).embeddings_bdhw
        for _ in range(2):
            enlarged = nn.functional.interpolate(
                enlarged, scale_factor=2.0, mode="bilinear", align_corners=False
            )
        return normalize(enlarged, dim=1)

    @torch.no_grad()
    def encode_text(self, tokens: Tensor) -> Tensor:
        """t: centred, L2-normalised caption embeddings, int64 (n, context) -> (n, d)."""
        return normalize(
            normalize(encode_text(self.clip, tokens), dim=-1) - self.text_center, dim=-1
        )


def normalize(x: Tensor, dim: int, eps: float = 1e-6) -> Tensor:
    """L2-normalise along ``dim``, written so that it exports to Mul, ReduceSum, Sqrt, Max, Div and
    nothing else.
    """
    return x / x.square().sum(dim, keepdim=True).sqrt().clamp_min(eps)
