"""A distillation teacher tells the tower in training which noun each patch shows: an earlier tower
that stays as it is, or the moving average of the trained one (training.engine.ema).

A tower that is taught by its own choice (training.losses.noun_level) drifts: what it mistakes once
it teaches itself. The choice of an earlier state among the nouns that captions name does not drift,
and where captions leave nothing out it is better than that state itself ("born again": Furlanello
et al. 2018; from whole images to tiles of them, as DINO teaches from global to local views).

Shape legend: b images, p patches, q patches kept, u nouns, d embedding width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor

from training.data.batches import Batch, normalize_images
from training.losses.noun_level import choose_nouns
from training.model.clip import encode_text
from training.model.dense import DenseEncoder
from training.pretrain.mosaic import Mosaic


class NounTeacher:
    """Another tower's choice of nouns, seen on whole images.

    Args:
        clip: a tower of this project's own architecture; no gradient reaches it from now on.
    """

    def __init__(self, clip: CLIP) -> None:
        self.clip = clip.eval().requires_grad_(False)
        self.encoder = DenseEncoder(clip, "tokens")

    @torch.no_grad()
    def choose(
        self,
        batch: Batch,
        kept_q: Tensor | None,
        discount: float = 0.0,
        mosaic: Mosaic | None = None,
        *,
        mirrors: bool = False,
    ) -> Tensor:
        """Which noun each patch shows, by all views of it.

        Args:
            batch: images and nouns.
            kept_q: int64 (q,), the patches wanted; None: all.
            discount: see :func:`training.losses.noun_level.choose_nouns`.
            mosaic: the mosaics whose tiles the images are: seen as well; None: there are none.
            mirrors: whether images are seen mirrored.

        Returns:
            Probabilities (b, q, u) of the batch's nouns.

        Raises:
            ValueError: the batch carries no nouns.
        """
        if batch.nouns is None:
            raise ValueError("a batch without nouns; expected one collated with them")
        images = normalize_images(batch.images_bhw3)
        embeddings_bdhw = self._see(images.flip(3)).flip(3) if mirrors else self._see(images)
        if mosaic:
            around_bdhw = mosaic.take_apart(self._see(mosaic.assemble(images)))
            embeddings_bdhw = F.normalize(embeddings_bdhw, dim=1) + F.normalize(around_bdhw, dim=1)
        patches_bpd = embeddings_bdhw.flatten(2).transpose(1, 2)
        nouns_ud = F.normalize(encode_text(self.clip, batch.nouns[0]).float(), dim=-1)
        with torch.autocast(patches_bpd.device.type, enabled=False):
            chosen_bpu = choose_nouns(patches_bpd.float(), nouns_ud, discount)
        return chosen_bpu if kept_q is None else chosen_bpu.index_select(1, kept_q)

    def _see(self, images_b3hw: Tensor) -> Tensor:
        """(b, d, hp, wp), as float32: sums of bfloat16 views would lose what they differ in."""
        return self.encoder(images_b3hw).embeddings_bdhw.float()
