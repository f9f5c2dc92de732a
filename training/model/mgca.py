"""The whole model: frozen towers, dense features, decoder, and the text side with its centre.

Shape legend: b images, n captions, d embedding width, h' w' the decoder's grid.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from open_clip import CLIP
from torch import Tensor, nn

from runtime.bundle.limits import PRESENCE
from runtime.errors import UserError
from training.model.activation import ACTIVATIONS
from training.model.clip import encode_text, load_clip
from training.model.decoder import GatedDecoder
from training.model.dense import DenseEncoder
from training.model.prompts import TEMPLATE_SETS
from training.model.towers.alignment import AligningDecoder, PairEncoder, TextHead
from training.model.towers.pair import TowerPair, is_pair, load_pair
from training.model.unit_length import normalize


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which CLIP, read how, decoded how wide."""

    clip_name: str = "mgca-tiny"
    """open_clip model name; with ``timm_model_name`` and ``hf_model_name`` in its configuration
    (``mgca-photo``) it is a pair of towers that are brought together in training
    (training.model.towers).
    """
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
    pooled_blocks: int = 0
    """So many of the image tower's first blocks attend to averages of 2 x 2 patches, at a quarter
    of the cost (training.model.dense).
    """
    decoder_width: int = 64
    """Channels of the decoder's residual stream on the fine grids."""
    decoder_depth: int = 4
    """Convolution blocks of the decoder on the patch grid."""
    embedding_width: int = 256
    """Of a pair of towers: width of the space where what is learned of both meets."""
    coarse_width: int = 256
    """Of a pair of towers: channels of the decoder on the patch grid."""
    edge_stages: bool = True
    """Of a pair of towers: whether the decoder has stages on finer grids than the patches', which
    take edges from the trunk's finer stages and the image. False: embeddings of patches are
    enlarged, and edges are left to units.
    """
    class_width: int = 256
    """Of a pair of towers: width of the space of the trunk's own classes, which lends the model
    what the trunk learned from class labels; 0: captions alone (training.model.towers.class_space).
    """
    class_weight: float = 0.33
    """Share of that space in a cosine."""
    class_nearness: tuple[float, float] | None = None
    """Cosines of a text with the nearest class's name from which on it gets some of that share, and
    all of it; None: every text gets all.
    """
    center_text: bool = True
    """Take the mean caption off every text embedding. Not for a CLIP whose patches were trained
    against the words themselves (pretrain.noun_weight): it costs that one 2 to 7 mIoU.
    """
    prompts: str | None = None
    """Sentences that the noun level trains nouns in, and that a name is embedded in at evaluation
    and in exports (training.model.prompts.TEMPLATE_SETS); None chooses by the CLIP.
    """
    presence: float = 0.0
    """How far words that nothing in the picture shows step back, in exports
    (runtime.segment.presence).
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.presence <= PRESENCE:
            raise ValueError(f"presence is {self.presence}; expected 0 to {PRESENCE:g}")
        if self.decoder_width < 8:
            raise ValueError(f"decoder_width is {self.decoder_width}; expected at least 8")
        if self.early_block < 0:
            raise ValueError(f"early_block is {self.early_block}; expected a block index from 0")
        if self.pooled_blocks < 0:
            raise ValueError(f"pooled_blocks is {self.pooled_blocks}; expected 0 or more blocks")
        if min(self.embedding_width, self.coarse_width) < 8 or self.class_width < 0:
            raise ValueError(
                f"embedding_width is {self.embedding_width}, coarse_width {self.coarse_width}, "
                f"class_width {self.class_width}; expected 8 or more, and 0 or more classes"
            )
        if not 0 <= self.class_weight < 1:
            raise ValueError(f"class_weight is {self.class_weight}; expected 0 to below 1")
        if self.class_nearness is not None:
            none, all_of_it = self.class_nearness
            if not -1 <= none < all_of_it <= 1:
                raise ValueError(
                    f"class_nearness is {self.class_nearness}; expected two cosines, the smaller "
                    "one first"
                )
        if self.activation not in (None, *ACTIVATIONS):
            raise ValueError(
                f"activation is '{self.activation}'; expected {' or '.join(ACTIVATIONS)}"
            )
        if self.prompts is not None and self.prompts not in TEMPLATE_SETS:
            raise ValueError(
                f"prompts is '{self.prompts}'; expected one of {', '.join(sorted(TEMPLATE_SETS))}"
            )


def load_towers(config: ModelConfig) -> CLIP | TowerPair:
    """The frozen towers that a configuration names, with their weights.

    Raises:
        UserError: there are none of that name, or their weights are not there or do not fit.
    """
    if is_pair(config.clip_name):
        return load_pair(config.clip_name, config.class_width)
    return load_clip(config.clip_name, config.pretrained, config.activation)


def with_names_as(built: ModelConfig, wanted: ModelConfig) -> ModelConfig:
    """``built`` with what another configuration says of names: settings that need no other
    weights.
    """
    return dataclasses.replace(
        built,
        prompts=wanted.prompts,
        center_text=wanted.center_text,
        presence=wanted.presence,
    )


class MgcaModel(nn.Module):
    """E_v and E_t frozen, D_v trained (DESIGN section 4).

    Args:
        clip: a frozen open_clip CLIP, or a pair of towers.
        config: how to read and decode it.

    Attributes:
        text_center: (d,) mean of caption embeddings, taken off every text embedding: bare words sit
            in a narrow cone among captions, and what they share says nothing about which word it
            is. Zeros: no centring.
        text_head: brings a pair's sentence embeddings to the pixels, trained; None of a CLIP.
    """

    text_center: Tensor

    def __init__(self, clip: CLIP | TowerPair, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.clip: CLIP = clip
        self.encoder: DenseEncoder | PairEncoder
        self.decoder: GatedDecoder | AligningDecoder
        self.text_head: TextHead | None = None
        if isinstance(clip, TowerPair):
            weight = config.class_weight if config.class_width else 0.0
            self.encoder = PairEncoder(clip, config.embedding_width)
            self.decoder = AligningDecoder(
                self.encoder,
                config.decoder_width,
                config.coarse_width,
                config.decoder_depth,
                weight,
                config.edge_stages,
            )
            self.text_head = TextHead(clip, config.embedding_width, weight, config.class_nearness)
        else:
            self.encoder = DenseEncoder(
                clip, config.dense, config.early_block, config.pooled_blocks
            )
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
        if self.text_head is not None:  # before training there is nothing but the classes' part
            empty = enlarged.new_zeros(1, 1, 1, 1).expand(
                enlarged.shape[0], self.encoder.learned_width, *enlarged.shape[2:]
            )
            enlarged = torch.cat([empty, enlarged], dim=1)
        for _ in range(2):
            enlarged = nn.functional.interpolate(
                enlarged, scale_factor=2.0, mode="bilinear", align_corners=False
            )
        return normalize(enlarged, dim=1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """t: centred, L2-normalised caption embeddings, int64 (n, context) -> (n, d).

        Of a pair of towers they have a gradient, that of the map behind the frozen tower.
        """
        return self.finish_text(self.read_frozen_text(tokens))

    def read_text(self, tokens: Tensor) -> Tensor:
        """The same before the centre is taken off."""
        return self._map_text(self.read_frozen_text(tokens))

    @torch.no_grad()
    def read_frozen_text(self, tokens: Tensor) -> Tensor:
        """What the frozen tower says, int64 (n, context) -> (n, d'), which nothing changes."""
        if self.text_head is None:
            return normalize(encode_text(self.clip, tokens), dim=-1)
        return self.clip.encode_text(tokens)

    def finish_text(self, frozen_nd: Tensor) -> Tensor:
        """:meth:`encode_text` of what :meth:`read_frozen_text` has said."""
        return normalize(self._map_text(frozen_nd) - self.text_center, dim=-1)

    def _map_text(self, frozen_nd: Tensor) -> Tensor:
        if self.text_head is None:
            return frozen_nd
        with torch.autocast(frozen_nd.device.type, enabled=False):
            return self.text_head(frozen_nd)


def without_edge_stages(model: MgcaModel) -> MgcaModel:
    """A pair's model whose decoder enlarges embeddings of patches, whatever its stages on finer
    grids have learned; the weights that are left are shared with the one given.

    Raises:
        UserError: it is no pair of towers, whose decoder has no such stages to leave out.
    """
    if not isinstance(model.decoder, AligningDecoder):
        raise UserError(
            f"the decoder of {model.config.clip_name} has no edge stages to leave out; expected a "
            "pair of towers (--config photo)"
        )
    plain = MgcaModel(model.clip, dataclasses.replace(model.config, edge_stages=False))
    weights = model.decoder.state_dict()
    plain.decoder.load_state_dict({name: weights[name] for name in plain.decoder.state_dict()})
    assert model.text_head is not None and plain.text_head is not None, "a pair has both"
    plain.text_head.load_state_dict(model.text_head.state_dict())
    plain.text_center.copy_(model.text_center)
    return plain.train(model.training)
