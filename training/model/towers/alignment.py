"""What brings a pair of frozen towers together, and is trained: a decoder and a map of the texts.

The space they meet in has two parts. In the first the decoder and the map have learned from
captions what goes with what; the second is that of the trunk's own classes
(training.model.towers.class_space), which needs no training. Both sides are of unit length in each
part, and ``class_weight`` shares the cosine out between them, but not while training: beside what
the classes know already, the learned part would be left with less to learn.

Shape legend: b images, n texts, d width of the sentence encoder, e width of the learned part, r
width of the classes' part, c channels, hp wp the patch grid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.model.decoder import (
    ChannelNorm,
    ConvBlock,
    GatedUpsample,
    TwoStages,
    view_image,
)
from training.model.dense import DenseFeatures
from training.model.resample import enlarge
from training.model.towers.class_space import ClassSpace
from training.model.towers.pair import TowerPair
from training.model.unit_length import normalize

__all__ = ["AligningDecoder", "PairEncoder", "TextHead", "join_parts"]


def join_parts(
    learned: Tensor, classes: Tensor | None, class_weight: float | Tensor, dim: int
) -> Tensor:
    """Both parts of unit length along ``dim``, so scaled that cosines of the whole are the cosines
    of the parts, weighted ``1 - class_weight`` to ``class_weight``; a tensor has a weight for each
    vector, and 1 along ``dim``.
    """
    if classes is None:
        return normalize(learned, dim)
    scaled = (
        normalize(learned, dim) * (1 - class_weight) ** 0.5,
        normalize(classes, dim) * class_weight**0.5,
    )
    return torch.cat(scaled, dim=dim)


def share_of(side: AligningDecoder | TextHead) -> float:
    """The classes' share of a cosine: none while training."""
    return 0.0 if side.training else side.class_weight


class PairEncoder(nn.Module):
    """The trunk, read patch by patch.

    Args:
        pair: both towers.
        learned_width: e.

    Attributes:
        embedding_width: e + r, of what the decoder gives.
        width: channels of what the decoder reads.
    """

    mode = "trunk"
    early_block = 0
    pooled_blocks = 0
    patch_size = 16

    def __init__(self, pair: TowerPair, learned_width: int) -> None:
        super().__init__()
        self.visual, self.classes = pair.visual, pair.classes
        self.learned_width = learned_width
        self.width = pair.visual.late_width
        class_width = 0 if pair.classes is None else pair.classes.width
        self.embedding_width = learned_width + class_width

    def fix_size(self, size_wh: tuple[int, int]) -> None:
        """Nothing depends on the size."""

    def forward(self, images_b3hw: Tensor) -> DenseFeatures:
        """Encode normalised images.

        Args:
            images_b3hw: float (b, 3, h, w), RGB, normalised with CLIP's mean and std; h and w
                multiples of 16.

        Returns:
            Dense features on the patch grid; ``embeddings_bdhw`` (b, r, hp, wp) are those of the
            classes' part alone.

        Raises:
            ValueError: a size that 16 does not divide.
        """
        height, width = images_b3hw.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"input of {width}x{height} pixels is not a multiple of the patch size "
                f"{self.patch_size}; choose another --size"
            )
        seen = self.visual(images_b3hw)
        embeddings = seen.late_bchw[:, :0]
        if self.classes is not None:
            embeddings = self.classes.of_logits(seen.classes_bchw)
        return DenseFeatures(
            embeddings_bdhw=embeddings,
            early_bchw=seen.half_bchw,
            late_bchw=seen.late_bchw,
            fine_bchw=seen.quarter_bchw,
        )


class AligningDecoder(TwoStages):
    """Trunk features and the image in, pixel embeddings on a 4x finer grid out.

    As :class:`training.model.decoder.GatedDecoder`, but that it begins with embeddings of its own,
    read off the trunk, and takes edges from the trunk's finer stages too.

    Args:
        encoder: whose features it reads.
        width: channels of the residual stream on the fine grids.
        coarse_width: channels on the patch grid.
        depth: blocks on the patch grid.
        class_weight: share of the classes' part in a cosine.
        edge_stages: False: there are no stages on the fine grids; embeddings of patches are
            enlarged, and edges are left to units.
    """

    def __init__(
        self,
        encoder: PairEncoder,
        width: int,
        coarse_width: int,
        depth: int,
        class_weight: float,
        edge_stages: bool = True,
    ) -> None:
        super().__init__()
        self.edge_stages = edge_stages
        self.width = width
        self.learned_width = encoder.learned_width
        self.has_classes = encoder.classes is not None
        self.class_weight = class_weight
        trunk = encoder.visual
        self.late_norm = ChannelNorm(trunk.late_width)
        self.read_late = nn.Conv2d(trunk.late_width, coarse_width, 1)
        self.coarse = nn.Sequential(*(ConvBlock(coarse_width) for _ in range(depth)))
        self.align = nn.Conv2d(coarse_width, self.learned_width, 1)
        if not edge_stages:
            return
        self.half_norm = ChannelNorm(trunk.half_width)
        self.quarter_norm = ChannelNorm(trunk.quarter_width)
        # Each stage sees the image as the four quarters of every cell of its own grid: 3 x 4.
        self.stage1 = GatedUpsample(
            self.learned_width, coarse_width, width, trunk.half_width + 3 * 4
        )
        self.stage2 = GatedUpsample(self.learned_width, width, width, trunk.quarter_width + 3 * 4)

    def forward(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """Decode.

        Args:
            features: dense features of the images.
            images_b3hw: the same normalised images.

        Returns:
            (b, e + r, 4 hp, 4 wp) embeddings, each part of its own unit length, scaled by its
            weight.
        """
        if not self.edge_stages:
            return self._enlarge_patches(features)
        assert features.fine_bchw is not None, "a trunk's features have them"
        stream = self._read(features)
        coarse_view, fine_view = view_image(images_b3hw, features)
        coarse_view = torch.cat([coarse_view, self.half_norm(features.early_bchw)], dim=1)
        fine_view = torch.cat([fine_view, self.quarter_norm(features.fine_bchw)], dim=1)
        embeddings, stream = self.stage1(self.align(stream), stream, coarse_view)
        embeddings, _ = self.stage2(embeddings, stream, fine_view)
        classes = None
        if self.has_classes:
            # As the stages leave the learned part: channel by channel.
            classes = nn.functional.interpolate(
                features.embeddings_bdhw,
                scale_factor=float(self.upscale),
                mode="bilinear",
                align_corners=False,
            )
        return join_parts(embeddings, classes, share_of(self), dim=1)

    def close(self) -> None:
        """As the other decoders' do, where there are stages."""
        if self.edge_stages:
            super().close()

    def align_patches(self, features: DenseFeatures) -> Tensor:
        """The same on the patch grid, without the stages that follow edges: (b, e + r, hp, wp)."""
        classes = features.embeddings_bdhw if self.has_classes else None
        return join_parts(self.align(self._read(features)), classes, share_of(self), dim=1)

    def _enlarge_patches(self, features: DenseFeatures) -> Tensor:
        """:meth:`align_patches`, enlarged. Both parts have their lengths before that: where patches
        differ, what lies between them is shorter, and says less.
        """
        patches = normalize(self.align(self._read(features)), dim=1)
        if self.has_classes:
            share = share_of(self)
            classes = features.embeddings_bdhw * share**0.5  # of unit length as they come
            patches = torch.cat([patches * (1 - share) ** 0.5, classes], dim=1)
        return enlarge(patches, self.upscale)

    def _read(self, features: DenseFeatures) -> Tensor:
        stream: Tensor = self.coarse(self.read_late(self.late_norm(features.late_bchw)))
        return stream


class TextHead(nn.Module):
    """Sentence embeddings into the space where they meet pixels.

    Args:
        pair: both towers.
        learned_width: e.
        class_weight: share of the classes' part in a cosine, of a text that is a class's name.
        class_nearness: cosines with the nearest class's name from which on a text gets some of that
            share, and all of it; None: every text gets all.
    """

    def __init__(
        self,
        pair: TowerPair,
        learned_width: int,
        class_weight: float,
        class_nearness: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.classes: ClassSpace | None = pair.classes
        self.class_weight = class_weight
        self.class_nearness = class_nearness
        self.map = nn.Linear(pair.text.width, learned_width)

    def forward(self, texts_nd: Tensor) -> Tensor:
        """(n, d) unit-length sentence embeddings -> (n, e + r), unit length."""
        learned = self.map(texts_nd)
        if self.classes is None:
            return join_parts(learned, None, 0.0, dim=1)
        share = self.share_classes(texts_nd, share_of(self))
        return join_parts(learned, self.classes.of_texts(texts_nd), share, dim=1)

    def share_classes(self, texts_nd: Tensor, class_weight: float) -> float | Tensor:
        """The classes' share in each text's cosines: ``class_weight``, or (n, 1) up to it."""
        if self.classes is None or self.class_nearness is None or not class_weight:
            return class_weight
        none, all_of_it = self.class_nearness
        nearness_n1 = self.classes.nearness(texts_nd).unsqueeze(1)
        return class_weight * ((nearness_n1 - none) / (all_of_it - none)).clamp(0, 1)
