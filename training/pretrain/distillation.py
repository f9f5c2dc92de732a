"""What a pupil minimizes that sees small pictures and learns from a teacher that sees them large
(training.checkpoints.distill).

Shape legend: b images, h w the pupil's grid, d embedding width, u nouns, n drawn pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batches import Batch, normalize_colors, unit_images
from training.model.attention import quickest_attention
from training.model.clip import encode_text
from training.model.mgca import MgcaModel
from training.model.unit_length import normalize
from training.pretrain.color_jitter import jitter_colors

# Pixels drawn from an image to be compared with each other.
DRAWN_PIXELS = 512
# How the two terms are weighed: about equally large where a pupil begins.
RELATION_WEIGHT = 10.0


class Distillation(nn.Module):
    """What is minimized.

    Args:
        teacher: sees images as they are; no gradient reaches it.
        pupil: sees them at ``size_wh``.
        size_wh: in pixels, multiples of the patch.
        color_jitter: how far the colors that the pupil sees may be from the teacher's
            (training.pretrain.color_jitter); 0: they are the same.
        scale: of cosines before the softmax over nouns.
    """

    def __init__(
        self,
        teacher: MgcaModel,
        pupil: MgcaModel,
        size_wh: tuple[int, int],
        *,
        color_jitter: float = 0.0,
        scale: float = 20.0,
    ) -> None:
        super().__init__()
        # Not a submodule: its weights are neither trained nor saved with the pupil's.
        self._teacher = (teacher.eval().requires_grad_(False),)
        self.pupil = pupil
        for model in (teacher, pupil):
            model.clip.visual.conv1.to(memory_format=torch.channels_last)
        self.size_hw = (size_wh[1], size_wh[0])
        self.color_jitter = color_jitter
        self.scale = scale

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``loss`` and its parts ``nouns`` and ``relations``.

        Raises:
            ValueError: the batch carries no nouns.
        """
        if batch.nouns is None:
            raise ValueError("a batch without nouns; expected captions that name some")
        teacher = self._teacher[0]
        colors = unit_images(batch.images_bhw3)
        with torch.no_grad():
            taught_bdhw = teacher.pixel_embeddings(normalize_colors(colors)).float()
        small = F.interpolate(
            colors, size=self.size_hw, mode="bilinear", antialias=True, align_corners=False
        )
        # The batch's own content is the seed.
        seed = int(batch.tokens_jl.sum())
        images = normalize_colors(jitter_colors(small, self.color_jitter, seed))
        with quickest_attention(images.device):
            found_bdhw = self.pupil.decoder(self.pupil.encoder(images), images).float()
        found_bdhw = normalize(found_bdhw, dim=1)
        grid_hw = tuple(found_bdhw.shape[2:])
        tokens_ul = batch.nouns[0]
        nouns = self._nouns(taught_bdhw, found_bdhw, tokens_ul)
        taught_bdhw = normalize(F.interpolate(taught_bdhw, size=grid_hw, mode="area"), dim=1)
        relations = RELATION_WEIGHT * self._relations(taught_bdhw, found_bdhw)
        return {"loss": nouns + relations, "nouns": nouns, "relations": relations}

    def _nouns(self, taught_bdhw: Tensor, found_bdhw: Tensor, tokens_ul: Tensor) -> Tensor:
        """KL divergence of the nouns that the pupil's pixels show from the teacher's, in nats."""
        shares = F.softmax(self.scale * _scores(self._teacher[0], taught_bdhw, tokens_ul), dim=1)
        # Shares are averaged, not embeddings: a cell of two things is half this and half that.
        shares_buhw = F.interpolate(shares, size=tuple(found_bdhw.shape[2:]), mode="area")
        logs_buhw = F.log_softmax(self.scale * _scores(self.pupil, found_bdhw, tokens_ul), dim=1)
        return F.kl_div(logs_buhw, shares_buhw, reduction="none").sum(1).mean()

    def _relations(self, taught_bdhw: Tensor, found_bdhw: Tensor) -> Tensor:
        """Mean squared difference of the cosines between drawn pixels of one image."""
        count = taught_bdhw.shape[2] * taught_bdhw.shape[3]
        drawn_n = torch.randperm(count, device=taught_bdhw.device)[:DRAWN_PIXELS]
        taught, found = (x.flatten(2)[:, :, drawn_n] for x in (taught_bdhw, found_bdhw))
        return (taught.transpose(1, 2) @ taught - found.transpose(1, 2) @ found).square().mean()


def _scores(model: MgcaModel, pixels_bdhw: Tensor, tokens_ul: Tensor) -> Tensor:
    """Cosines of pixels and nouns: (b, u, h, w)."""
    with torch.no_grad():
        raw_ud = F.normalize(encode_text(model.clip, tokens_ul).float(), dim=-1)
        text_ud = F.normalize(raw_ud - model.text_center, dim=-1)
    return torch.einsum("bdhw,ud->buhw", pixels_bdhw, text_ud)
