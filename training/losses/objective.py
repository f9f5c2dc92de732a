"""What MGCA minimises, as a module that eats a batch and gives named losses.

Shape legend: b images, j captions, n pixels (h' x w'), d embedding width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from runtime.errors import UserError
from training.data.batches import Batch, normalize_images, unit_images
from training.data.tile_mixing import draw_shuffle
from training.losses.class_level import class_loss
from training.losses.config import LossConfig
from training.losses.grains import (
    Alignment,
    object_term,
    pixel_term,
    prior_terms,
    region_term,
    select_own,
)
from training.losses.negatives import find_false_negatives
from training.losses.noun_level import choose_nouns, noun_terms, share_nouns
from training.losses.object import ForegroundMask
from training.losses.patch_match import match_patches
from training.losses.settling import Settling
from training.model.dense import DenseFeatures
from training.model.mgca import MgcaModel
from training.model.resample import shrink_to
from training.model.towers.alignment import AligningDecoder
from training.model.unit_length import normalize


class MgcaObjective(nn.Module):
    """Object-, region- and pixel-level alignment with their priors (DESIGN section 4).

    Args:
        model: frozen encoders and the decoder to train.
        config: weights and constants.
        seed: of the sampling of seeds and pixels.

    Raises:
        UserError: the configuration asks for what only a pair of towers has.
    """

    def __init__(self, model: MgcaModel, config: LossConfig, seed: int) -> None:
        super().__init__()
        head = model.text_head
        for setting, asked, there in (
            ("on_patches", config.on_patches, head is not None),
            ("class_level_weight", config.class_level_weight, head is not None and head.classes),
        ):
            if asked and not there:
                raise UserError(
                    f"losses.{setting} is {asked}, which a pair of towers can be asked for "
                    "(model.clip_name=mgca-photo, with model.class_width above 0 for the classes); "
                    f"expected {0.0 if setting == 'class_level_weight' else 'false'}"
                )
        self.model = model
        self.config = config
        self.mask = ForegroundMask()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses; ``loss`` is their weighted sum."""
        config = self.config
        images = normalize_images(batch.images_bhw3)
        shuffle = draw_shuffle(images.shape[0], config.tile_mixing, int(batch.tokens_jl.sum()))
        canvases = shuffle.shuffle(images)
        with torch.no_grad():
            features = batch.features or self.model.encoder(canvases)
        nouns_ud = self._encode_nouns(batch)
        text_jd, owner_j, noun_j = self._texts(batch, nouns_ud)
        embeddings_bdhw = normalize(self._decode(features, canvases).float(), dim=1)
        embeddings_bdhw = shuffle.restore(embeddings_bdhw)
        grid_hw = (int(embeddings_bdhw.shape[2]), int(embeddings_bdhw.shape[3]))
        with torch.autocast(images.device.type, enabled=False):
            pixels_bnd = embeddings_bdhw.flatten(2).transpose(1, 2)
            ignore_bj = self._false_negatives(
                shuffle.restore(features.embeddings_bdhw.float()),
                text_jd,
                owner_j,
                self._named(batch, noun_j),
            )
            similarity_bjn = torch.matmul(text_jd, pixels_bnd.transpose(1, 2))
            own_jn = select_own(similarity_bjn, owner_j)
            settling = self._settling(batch.images_bhw3, features.embeddings_bdhw, grid_hw)
            shares = self._shares(pixels_bnd, nouns_ud, batch.named_bu, settling)
            guide_jn = own_jn
            if config.region_weight or config.pixel_weight:
                guide_jn = self._guide(own_jn.detach(), owner_j, noun_j, shares, settling)
            seen = Alignment(
                pixels_bnd=pixels_bnd,
                text_jd=text_jd,
                owner_j=owner_j,
                ignore_bj=ignore_bj,
                similarity_bjn=similarity_bjn,
                own_jn=own_jn,
                guide_jn=guide_jn,
            )
            losses = self._grains(seen)
            if config.noun_weight and shares is not None:
                assert nouns_ud is not None and batch.named_bu is not None, "shares come of them"
                losses |= noun_terms(pixels_bnd, nouns_ud, batch.named_bu, config, None, shares)
            if config.class_level_weight:
                losses["classes"] = config.class_level_weight * class_loss(
                    self.model, embeddings_bdhw, features.embeddings_bdhw.float(), self.generator
                )
            if config.area_weight or config.smooth_weight:
                colors = shrink_to(unit_images(batch.images_bhw3), grid_hw)[owner_j]
                losses |= prior_terms(self.mask(own_jn), colors, config)
        losses["loss"] = torch.stack(list(losses.values())).sum()
        return losses

    def _decode(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """Pixel embeddings, or those of patches where that is asked for."""
        decoder = self.model.decoder
        if isinstance(decoder, AligningDecoder) and self.config.on_patches:
            return decoder.align_patches(features)
        return decoder(features, images_b3hw)

    def _grains(self, seen: Alignment) -> dict[str, Tensor]:
        """The weighted terms of the three grains that are on."""
        config = self.config
        terms: dict[str, Tensor] = {}
        if config.object_weight:
            terms["object"] = config.object_weight * object_term(seen, config, self.mask)
        if config.region_weight:
            terms["region"] = config.region_weight * region_term(seen, config, self.generator)
        if config.pixel_weight:
            terms["pixel"] = config.pixel_weight * pixel_term(seen, config, self.generator)
        return terms

    def _shares(
        self,
        pixels_bnd: Tensor,
        nouns_ud: Tensor | None,
        named_bu: Tensor | None,
        settling: Settling | None,
    ) -> tuple[Tensor, Tensor] | None:
        """How an image's nouns share its pixels out (:func:`share_nouns`); None: nothing asks."""
        config = self.config
        asked = config.region_weight or config.pixel_weight or config.noun_weight
        if nouns_ud is None or named_bu is None or not asked:
            return None
        settle = settling.targets if settling else None
        chosen_bnu = choose_nouns(pixels_bnd, nouns_ud, config.noun_discount)
        return share_nouns(chosen_bnu, named_bu, config, settle)

    def _encode_nouns(self, batch: Batch) -> Tensor | None:
        """(u, d) unit-length embeddings of the batch's nouns; None: it carries none."""
        if batch.noun_tokens_ul is None:
            return None
        return self.model.encode_text(batch.noun_tokens_ul).float()

    @torch.no_grad()
    def _guide(
        self,
        own_jn: Tensor,
        owner_j: Tensor,
        noun_j: Tensor | None,
        shares: tuple[Tensor, Tensor] | None,
        settling: Settling | None,
    ) -> Tensor:
        """(j, n) in [0, 1], how much each text holds the pixels of its image: where seeds and
        positives are drawn. A noun by its share beside the image's other nouns, a caption by its
        mask.
        """
        if noun_j is None or shares is None:
            return self.mask(settling.own(own_jn, owner_j) if settling else own_jn)
        held_jn = shares[0][owner_j, :, noun_j]
        if not (noun_j < 0).any():
            return held_jn
        masks_jn = self.mask(settling.own(own_jn, owner_j) if settling else own_jn)
        return torch.where((noun_j < 0).unsqueeze(1), masks_jn, held_jn)

    def _texts(self, batch: Batch, nouns_ud: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """What the three grains align: unit-length text embeddings (j, d), their images (j,), and
        which nouns they are (j,), -1 for whole captions; None: all are captions.

        Whole captions (also where a batch names nothing), as many of the nouns that each image's
        captions name, or both.
        """
        texts = self.config.texts
        if texts == "captions" or nouns_ud is None or batch.named_bu is None:
            return self.model.encode_text(batch.tokens_jl).float(), batch.owner_j, None
        named_bu = batch.named_bu.cpu()
        images = named_bu.shape[0]
        count = min(max(1, len(batch.owner_j) // images), named_bu.shape[1])
        lot_bu = torch.rand(named_bu.shape, generator=self.generator).masked_fill(~named_bu, -1.0)
        drawn_bk = lot_bu.topk(count, dim=1)
        image_m, column_m = (drawn_bk.values >= 0).nonzero(as_tuple=True)
        noun_j = drawn_bk.indices[image_m, column_m].to(nouns_ud.device)
        owner_j = image_m.to(nouns_ud.device)
        if texts == "nouns":
            return nouns_ud[noun_j], owner_j, noun_j
        captions_jd = self.model.encode_text(batch.tokens_jl).float()
        return (
            torch.cat([captions_jd, nouns_ud[noun_j]]),
            torch.cat([batch.owner_j, owner_j]),
            torch.cat([torch.full_like(batch.owner_j, -1), noun_j]),
        )

    def _named(self, batch: Batch, noun_j: Tensor | None) -> Tensor | None:
        """Which texts each image names, bool (b, j): true of no caption, None without nouns."""
        if noun_j is None or batch.named_bu is None:
            return None
        return batch.named_bu[:, noun_j.clamp_min(0)] & (noun_j >= 0)

    def _settling(
        self, images_bhw3: Tensor, dense_bdhw: Tensor, fine_hw: tuple[int, int]
    ) -> Settling | None:
        """How this batch's maps settle; None: they are left as they are."""
        if not self.config.color_sharpness:
            return None
        return Settling(
            unit_images(images_bhw3),
            (int(dense_bdhw.shape[2]), int(dense_bdhw.shape[3])),
            fine_hw,
            sharpness=self.config.color_sharpness,
            contrast_weight=self.config.contrast_weight,
        )

    def _false_negatives(
        self, dense_bdhw: Tensor, text_jd: Tensor, owner_j: Tensor, named_bj: Tensor | None
    ) -> Tensor:
        config = self.config
        clip_scores = None
        if config.clip_margin is not None:
            clip_scores = match_patches(dense_bdhw.flatten(2).transpose(1, 2), text_jd)
        return find_false_negatives(
            text_jd,
            owner_j,
            dense_bdhw.shape[0],
            same_cosine=config.same_cosine,
            clip_scores_bj=clip_scores,
            clip_margin=config.clip_margin or 0.0,
            named_bj=named_bj,
        )
