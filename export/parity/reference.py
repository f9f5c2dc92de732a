"""The plain eager reference that every exported graph is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from export.parity.reference_encoder import (
    decode_pixels,
    encode_patches,
    enlarge_patches,
    normalise_frame,
    shrink_image,
    unit_length,
)
from export.parity.reference_pamr import refine_by_colors
from export.parity.reference_trunk import TrunkReference
from export.parity.reference_units import gather_units


@dataclass(frozen=True)
class ReferenceResult:
    """What the reference says about one frame.

    Attributes:
        class_scores: (K, h', w') cosines, read from the units.
        unit_of_pixel: (h', w') the unit each pixel belongs to most.
        unit_scores: (U, K) cosines, zeros in empty slots.
        pixel_scores: (K, h', w') cosines of the pixels themselves.
        patches: (D, hp, wp) CLIP-space patch embeddings, not normalised; those of several windows
            one below another.
        pixels: (D, h', w') pixel embeddings of unit length; where windows overlap, their mean.
        unit_pixels: (D, h', w') for each pixel the mixture of its units' embeddings.
    """

    class_scores: Tensor
    unit_of_pixel: Tensor
    unit_scores: Tensor
    pixel_scores: Tensor
    patches: Tensor
    pixels: Tensor
    unit_pixels: Tensor


class ReferenceSegmenter:
    """Encoder, decoder and units in plain eager fp32, one frame at a time.

    Args:
        visual: open_clip's image tower; of a pair of towers, what its image side is made of.
        decoder_weights: the decoder's parameters by name; None for CLIP alone (enlarged 4 times).
        dense: how the last block is read (training.model.dense).
        early_block: the block whose tokens are the decoder's early view.
        pooled_blocks: how many of the first blocks attend to averages of 2 x 2 patches.
        position_resize: how position embeddings come to another grid.
        units: unit settings; of a graph without units, how it refines (``refine``, and of PAMR
            ``rounds`` and ``dilations``).
        unit_space: where units compare embeddings: what is taken off them (D,) and the matrix
            (D, R) they go through; None: as they are.
        mean: RGB mean of values in 0..1.
        std: RGB deviation of values in 0..1.
        windows: width, height and stride in pixels of the windows that a frame is seen in; None: it
            is seen as a whole.
    """

    def __init__(
        self,
        visual: torch.nn.Module | TrunkReference,
        decoder_weights: Mapping[str, Tensor] | None,
        *,
        dense: str,
        early_block: int,
        pooled_blocks: int = 0,
        position_resize: str = "size",
        units: Mapping[str, Any],
        unit_space: tuple[Tensor, Tensor] | None = None,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        windows: tuple[int, int, int] | None = None,
    ) -> None:
        self.visual = visual
        self.decoder_weights = None if decoder_weights is None else dict(decoder_weights)
        self.dense, self.early_block, self.pooled_blocks = dense, early_block, pooled_blocks
        self.position_resize = position_resize
        self.units, self.mean, self.std = dict(units), mean, std
        self.unit_space = unit_space
        self.windows = windows

    @torch.inference_mode()
    def __call__(self, frame_hw3: np.ndarray, text_kd: np.ndarray) -> ReferenceResult:
        """Segment one uint8 RGB frame of the model's input size with K text embeddings."""
        frame = torch.from_numpy(np.ascontiguousarray(frame_hw3))
        text = torch.tensor(text_kd)
        image = normalise_frame(frame, self.mean, self.std)
        patches, pixels = self._see(image) if self.windows is None else self._slide(image)
        colors = shrink_image(frame.permute(2, 0, 1).float() / 255.0, tuple(pixels.shape[1:]))
        unit_embeddings, unit_of_pixel, refined = self._gather(unit_length(pixels, dim=0), colors)
        return ReferenceResult(
            class_scores=torch.einsum("dyx,kd->kyx", refined, text),
            unit_of_pixel=unit_of_pixel,
            unit_scores=unit_embeddings @ text.t(),
            pixel_scores=torch.einsum("dyx,kd->kyx", pixels, text),
            patches=patches,
            pixels=pixels,
            unit_pixels=refined,
        )

    def _slide(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The same in windows: summed up where they lie, and divided by how many there were."""
        assert self.windows is not None
        wide, tall, stride = self.windows
        height, width = image.shape[-2:]
        seen: list[Tensor] = []
        total = count = torch.zeros(())
        for top in _starts(height, tall, stride):
            for left in _starts(width, wide, stride):
                window = image[..., top : top + tall, left : left + wide]
                patches, pixels = self._see(window)
                seen.append(patches)
                depth, lines, columns = pixels.shape
                if not total.ndim:
                    grid_hw = (height * lines // tall, width * columns // wide)
                    total, count = torch.zeros(depth, *grid_hw), torch.zeros(1, *grid_hw)
                y, x = top * lines // tall, left * columns // wide
                total[:, y : y + lines, x : x + columns] += pixels
                count[:, y : y + lines, x : x + columns] += 1
        return torch.cat(seen, dim=1), total / count

    def _gather(self, pixels: Tensor, colors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit embeddings (U, D), each pixel's unit (h', w'), what is read there (D, h', w')."""
        if "refine" not in self.units:
            units, shares = gather_units(pixels, colors, self.units, self.unit_space)
            return units, shares.argmax(dim=0), torch.einsum("uyx,ud->dyx", shares, units)
        whole = unit_length(pixels.flatten(1).mean(dim=1), dim=0)[None]
        if self.units["refine"] == "pamr":
            pixels = refine_by_colors(pixels, colors, self.units["rounds"], self.units["dilations"])
        return whole, torch.zeros(pixels.shape[1:], dtype=torch.int64), pixels

    def _see(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Patch embeddings (D, hp, wp), and pixel embeddings (D, h', w') of unit length."""
        weights = self.decoder_weights
        if isinstance(self.visual, TrunkReference):
            assert weights is not None, "nothing else brings a pair of towers together"
            maps = self.visual.read(image)
            pixels = unit_length(self.visual.decode(weights, maps, image), dim=0)
            return maps.get("classes", maps["late"]), pixels
        patches, early, late = encode_patches(
            self.visual,
            image,
            self.dense,
            self.early_block,
            self.pooled_blocks,
            self.position_resize,
        )
        if weights is None:
            return patches, unit_length(enlarge_patches(patches, 4), dim=0)
        return patches, unit_length(decode_pixels(weights, patches, early, late, image), dim=0)


def _starts(side: int, crop: int, stride: int) -> list[int]:
    """Where windows begin: every ``stride`` pixels until the end is reached, the last one there."""
    found, start = [], 0
    while start + crop < side:
        found.append(start)
        start += stride
    return [*found, side - crop]


def labels_at_source(class_scores: Tensor, source_hw: tuple[int, int]) -> np.ndarray:
    """Enlarge scores (K, h', w') bilinearly to the source's size, then take the best: uint8."""
    enlarged = F.interpolate(
        class_scores[None], size=source_hw, mode="bilinear", align_corners=False
    )
    return enlarged[0].argmax(dim=0).to(torch.uint8).numpy()
