"""The text-grounded object-level peer, in the manner of TCL (Cha et al. 2023).

A mask ``sigmoid(a S + b)`` with learned a and b grounds each caption in each image; the pixels
under it, pooled, meet the captions in InfoNCE over the batch, both directions; the masks of right
pairs are pulled to an area of 0.4, those of wrong pairs to nothing; masks and embeddings are
smooth.

The same encoders, decoder, images, captions, exchanged tiles, steps and inverse temperature as the
other rows. Unlike our object level: every wrong pair is a negative (no false negatives are looked
for, no hard ones weighted), the area prior is absolute and covers wrong pairs, smoothness does not
know the image's edges. Unlike TCL: no second pass of the masked image through CLIP (its
image-level loss), no Gumbel noise in the mask.

Shape legend: b images, j captions, n pixels (h' x w'), d embedding width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.ablation.rows import GROUNDED_TERMS
from training.data.batches import Batch, normalize_images
from training.data.tile_mixing import draw_shuffle
from training.losses.config import LossConfig
from training.losses.infonce import contrast_pairs
from training.losses.object import ForegroundMask, pool_masked
from training.model.mgca import MgcaModel
from training.model.unit_length import normalize

AREA_OF_RIGHT = 0.4  # TCL's prior


class GroundedObjective(nn.Module):
    """Named losses of a batch; ``loss`` is their sum.

    Args:
        model: frozen encoders and the decoder to train.
        config: only ``tile_mixing`` and ``logit_scale`` are read.
    """

    def __init__(self, model: MgcaModel, config: LossConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.mask = ForegroundMask()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``grounded``, ``area`` and ``smooth``, weighted, and ``loss``."""
        images = normalize_images(batch.images_bhw3)
        seed = int(batch.tokens_jl.sum())
        shuffle = draw_shuffle(images.shape[0], self.config.tile_mixing, seed)
        canvases = shuffle.shuffle(images)
        with torch.no_grad():
            features = self.model.encoder(canvases)
            text_jd = self.model.encode_text(batch.tokens_jl).float()
        decoded_bdhw = self.model.decoder(features, canvases).float()
        embeddings_bdhw = shuffle.restore(normalize(decoded_bdhw, dim=1))
        with torch.autocast(images.device.type, enabled=False):
            return self._losses(embeddings_bdhw, text_jd, batch.owner_j)

    def _losses(
        self, embeddings_bdhw: Tensor, text_jd: Tensor, owner_j: Tensor
    ) -> dict[str, Tensor]:
        pixels_bnd = embeddings_bdhw.flatten(2).transpose(1, 2)
        mask_bjn = self.mask(torch.matmul(text_jd, pixels_bnd.transpose(1, 2)))
        rows_b1 = torch.arange(len(pixels_bnd), device=owner_j.device).unsqueeze(1)
        own_bj = owner_j.unsqueeze(0) == rows_b1
        objects_bjd = pool_masked(mask_bjn, pixels_bnd)
        logits_bj = (objects_bjd * text_jd.unsqueeze(0)).sum(-1) * self.config.logit_scale
        losses = {
            "grounded": contrast_pairs(logits_bj, owner_j, torch.zeros_like(own_bj)),
            "area": GROUNDED_TERMS["area"] * area_losses(mask_bjn.mean(dim=2), own_bj),
            "smooth": GROUNDED_TERMS["smooth"]
            * (
                flat_variation(mask_bjn[own_bj].unflatten(1, embeddings_bdhw.shape[2:]))
                + flat_variation(embeddings_bdhw.flatten(0, 1))
            ),
        }
        losses["loss"] = torch.stack(list(losses.values())).sum()
        return losses


def area_losses(area_bj: Tensor, own_bj: Tensor) -> Tensor:
    """Absolute distance of the mean area of right pairs from the prior, and of wrong ones from 0.

    Args:
        area_bj: (b, j) mean of each mask, in [0, 1].
        own_bj: bool (b, j), right pairs.
    """
    return (area_bj[own_bj].mean() - AREA_OF_RIGHT).abs() + area_bj[~own_bj].mean()


def flat_variation(maps_mhw: Tensor) -> Tensor:
    """Mean absolute step between neighbours of (m, h, w) maps, edges of the image or not."""
    return maps_mhw.diff(dim=1).abs().mean() + maps_mhw.diff(dim=2).abs().mean()
