"""Evaluation frames with the frozen encoder's features, computed once for all rows.

Shape legend: b = 1, c encoder width, d embedding width, h' w' the decoder's grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from training.data.batches import normalize_images, unit_images
from training.data.config import DataConfig
from training.data.streetworld import generate_pair
from training.model.dense import DenseFeatures
from training.model.mgca import MgcaModel
from training.model.resample import shrink_to
from training.model.unit_length import normalize


@dataclass(frozen=True)
class SeenFrame:
    """A frame as the encoder sees it.

    Attributes:
        truth_hw: uint8 at source resolution; 255 where there is no truth.
        image_13hw: normalised, at the input size.
        features: the encoder's, of ``image_13hw``.
        colors_3hw: RGB in [0, 1] on the decoder's grid.
    """

    truth_hw: np.ndarray
    image_13hw: Tensor
    features: DenseFeatures
    colors_3hw: Tensor


Embed = Callable[[SeenFrame], Tensor]


@torch.no_grad()
def see_frames(
    model: MgcaModel, dataset: EvaluationSet, size_wh: tuple[int, int]
) -> list[SeenFrame]:
    """Encode every frame of a set at the input size ``size_wh``."""
    patch = model.encoder.patch_size
    scale = model.decoder.upscale
    grid_hw = (size_wh[1] // patch * scale, size_wh[0] // patch * scale)
    frames = tqdm(
        dataset.open(), f"encode {dataset.name}", dataset.count, leave=False, disable=None
    )
    return [
        _see(model, frame.frame_bgr, dataset.truth_of(frame), size_wh, grid_hw) for frame in frames
    ]


def training_pictures(data: DataConfig, count: int, size_wh: tuple[int, int]) -> EvaluationSet:
    """The first pictures of a run's training; their truth is left out.

    Args:
        data: which scenes the run draws, and how.
        count: how many.
        size_wh: of the pictures, in pixels.
    """

    def open_frames() -> Iterator[EvaluationFrame]:
        for seed in range(data.first_seed, data.first_seed + count):
            image_hw3, _ = generate_pair(
                seed, variant=data.variant, size_wh=size_wh, exposure=data.exposure
            )
            nothing_hw = np.full(image_hw3.shape[:2], 255, np.uint8)
            yield EvaluationFrame(str(seed), image_hw3[..., ::-1].copy(), nothing_hw)

    return EvaluationSet("training pictures", (), count, open_frames)


def _see(
    model: MgcaModel,
    frame_bgr: np.ndarray,
    truth_hw: np.ndarray,
    size_wh: tuple[int, int],
    grid_hw: tuple[int, int],
) -> SeenFrame:
    shrinks = frame_bgr.shape[1] >= size_wh[0] and frame_bgr.shape[0] >= size_wh[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # as the runtime does
    resized = cv2.resize(frame_bgr, size_wh, interpolation=way)
    rgb_1hw3 = torch.from_numpy(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)).unsqueeze(0)
    image_13hw = normalize_images(rgb_1hw3)
    colors_3hw = shrink_to(unit_images(rgb_1hw3), grid_hw)[0]
    return SeenFrame(truth_hw, image_13hw, model.encoder(image_13hw), colors_3hw)


def decoded_by(model: MgcaModel) -> Embed:
    """Embeddings (d, h', w') of a trained row, unit length along d."""

    @torch.no_grad()
    def embed(frame: SeenFrame) -> Tensor:
        return normalize(model.decoder(frame.features, frame.image_13hw), dim=1)[0]

    return embed


def read_densely(model: MgcaModel) -> Embed:
    """Embeddings (d, h', w') of CLIP's own dense features, however ``model`` reads them."""

    @torch.no_grad()
    def embed(frame: SeenFrame) -> Tensor:
        return model.baseline_embeddings(frame.image_13hw)[0]

    return embed
