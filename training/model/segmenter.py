"""What export traces: one uint8 frame and text embeddings in, scores and units out.

Shape legend: h w frame, h' w' the decoder's grid, n = h' w', k words, d embedding width, u unit
slots.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.model.clip import IMAGE_MEAN, IMAGE_STD
from training.model.mgca import MgcaModel
from training.model.pamr import Pamr, PamrSettings
from training.model.resample import shrink_to
from training.model.sliding import Sliding
from training.model.unit_length import normalize
from training.model.unit_space import UnitSpace
from training.model.units import AdaptiveUnits, UnitSettings


class TraceableSegmenter(nn.Module):
    """The inference graph at one fixed input size.

    Args:
        model: trained (or training-free) model, in eval mode.
        size_wh: input size in pixels, multiples of the patch size.
        settings: unit settings.
        space: where pixels gather into units; None: among the embeddings as they are.
        sliding: the windows that the frame is seen in, one batch; None: as a whole. Units are those
            of the whole frame either way.
        mean: RGB mean that pixels are normalised with, of values in [0, 1].
        std: their deviation.
        pamr: in the place of units: how scores are refined by colors. The graph then has one unit,
            the whole picture.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: MgcaModel,
        size_wh: tuple[int, int],
        settings: UnitSettings,
        space: UnitSpace | None = None,
        sliding: Sliding | None = None,
        pamr: PamrSettings | None = None,
        mean: tuple[float, ...] = IMAGE_MEAN,
        std: tuple[float, ...] = IMAGE_STD,
    ) -> None:
        super().__init__()
        patch = model.encoder.patch_size
        if size_wh[0] % patch or size_wh[1] % patch or min(size_wh) < patch:
            near_wh = [max(1, round(side / patch)) * patch for side in size_wh]
            raise ValueError(
                f"input size {size_wh[0]}x{size_wh[1]} is not a multiple of the patch {patch}; "
                f"nearest: {near_wh[0]}x{near_wh[1]}"
            )
        self.model = model
        self.size_wh = tuple(size_wh)
        self.units = AdaptiveUnits(settings, space) if pamr is None else None
        self.pamr = None if pamr is None else Pamr(pamr)
        self.sliding = sliding
        model.encoder.fix_size(size_wh if sliding is None else sliding.crop_wh)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))

    @property
    def grid_wh(self) -> tuple[int, int]:
        """Size (w', h') of the output grid."""
        scale = self.model.decoder.upscale
        patch = self.model.encoder.patch_size
        return self.size_wh[0] // patch * scale, self.size_wh[1] // patch * scale

    def forward(self, frame: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Segment one frame.

        Args:
            frame: uint8 (1, h, w, 3), RGB.
            text: float32 (k, d), L2-normalised (and centred, as the model's ``text_center`` says).

        Returns:
            class_scores (1, k, h', w'): each pixel reads the cosines of the units it belongs to, or
            has its own refined.
            unit_of_pixel int32 (1, h', w').
            unit_scores (u, k): cosines; zeros for empty slots.
            pixel_scores (1, k, h', w'): cosines of the pixels themselves, for comparison; the mean
            of the windows' where these overlap.
        """
        colors = frame.to(text.dtype).permute(0, 3, 1, 2) / 255.0
        images = (colors - self.mean) / self.std
        sliding = self.sliding
        if sliding is not None:
            images = sliding.cut(images)
        embeddings_ndhw = self.model.decoder(self.model.encoder(images), images)
        if sliding is None:
            embeddings_dhw = embeddings_ndhw[0]
        else:  # their mean, of unit length, gives the mean of the windows' cosines
            embeddings_dhw = sliding.join(normalize(embeddings_ndhw, dim=1))
        grid_hw = (self.grid_wh[1], self.grid_wh[0])
        grid_colors_3hw = shrink_to(colors, grid_hw)[0]
        if self.units is None:
            return self._refine(embeddings_dhw, grid_colors_3hw, frame, text)
        units = self.units(embeddings_dhw, grid_colors_3hw)
        unit_scores = units.embeddings_ud @ text.transpose(0, 1)
        own_kmd = units.pixels_kmd if sliding is None else units.cells.split(embeddings_dhw)
        pixel_scores = units.cells.join(own_kmd @ text.transpose(0, 1))
        return (
            units.read(unit_scores).unsqueeze(0),
            units.unit_of_pixel_hw.to(torch.int32).unsqueeze(0),
            unit_scores,
            pixel_scores.unsqueeze(0),
        )

    def _refine(
        self, embeddings_dhw: Tensor, grid_colors_3hw: Tensor, frame: Tensor, text: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The outputs without units: scores refined by colors, and the picture as one unit."""
        assert self.pamr is not None
        pixels_nd = normalize(embeddings_dhw.flatten(1).transpose(0, 1), dim=1)
        pixel_scores = (text @ pixels_nd.transpose(0, 1)).unflatten(1, embeddings_dhw.shape[1:])
        whole_1d = normalize(pixels_nd.mean(0, keepdim=True), dim=1)
        # An output must be computed: engines differ in what they make of one that is a constant.
        height, width = embeddings_dhw.shape[1:]
        return (
            self.pamr(pixel_scores, grid_colors_3hw).unsqueeze(0),
            frame[:, :height, :width, 0].to(torch.int32) * 0,
            whole_1d @ text.transpose(0, 1),
            pixel_scores.unsqueeze(0),
        )
