"""What MGCA minimises, as a module that eats a batch and gives named losses.

A batch is contrasted as one, and may be computed in portions (training.losses.portions): what is
frozen is read first (:meth:`MgcaObjective.prepare`), then each portion is decoded and surveyed,
then the pieces of all of them are compared.

Shape legend: b images, j texts of a portion's images, k all texts, n pixels (h' x w'), u nouns, d
embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from runtime.errors import UserError
from training.data.batches import Batch, normalize_images, unit_images
from training.data.tile_mixing import TileShuffle, draw_shuffle
from training.losses.alignment import Alignment, Guide, Meeting, Plan, align
from training.losses.class_level import class_loss
from training.losses.config import LossConfig
from training.losses.grains import (
    compare_objects,
    compare_pixels,
    compare_regions,
    survey_masks,
    survey_objects,
    survey_pixels,
    survey_regions,
)
from training.losses.negatives import find_false_negatives
from training.losses.noun_level import Join, choose_nouns, note_areas, share_nouns, sum_noun_losses
from training.losses.object import ForegroundMask
from training.losses.patch_match import match_patches
from training.losses.portions import Alone, Peers, Pieces, mean_of, ratio, share_out
from training.losses.settling import Settling
from training.losses.words import RememberedTexts, choose_texts, read_words
from training.model.dense import DenseFeatures
from training.model.mgca import MgcaModel
from training.model.resample import shrink_to
from training.model.towers.alignment import AligningDecoder
from training.model.unit_length import normalize_large

# Smallest divisors of means over the batch: some batches name nothing.
FEWEST = {"cover": 1.0, "presence": 1.0}


class MgcaObjective(nn.Module):
    """Object-, region- and pixel-level alignment with their priors (DESIGN section 4).

    Args:
        model: frozen encoders and the decoder to train.
        config: weights and constants.
        seed: of the sampling of seeds and pixels; the same in all processes.
        remembered_texts: how many texts are read by the frozen tower once only.

    Raises:
        UserError: the configuration asks for what only a pair of towers has.
    """

    def __init__(
        self, model: MgcaModel, config: LossConfig, seed: int, remembered_texts: int = 0
    ) -> None:
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
        self.read = RememberedTexts(model.read_frozen_text, remembered_texts)
        self.generator = torch.Generator().manual_seed(seed)

    @property
    def _samples(self) -> bool:
        return bool(self.config.region_weight or self.config.pixel_weight)

    @property
    def joins_areas(self) -> bool:
        """Whether a survey has to know the nouns' areas in all portions (``join``)."""
        config = self.config
        return bool(config.needs_nouns and (self._samples or config.noun_weight))

    def forward(
        self, batch: Batch, plan: Plan | None = None, own: int = 0, join: Join | None = None
    ) -> dict[str, Tensor]:
        """Named losses of a whole batch; ``loss`` is their weighted sum. With a plan: the pieces of
        a portion (:meth:`survey`).
        """
        if plan is not None:
            return self.survey(batch, plan, own, join)
        plan = self.prepare([batch], Alone())
        return self.compare(self.survey(batch, plan, 0), plan)

    @torch.no_grad()
    def prepare(self, parts: Sequence[Batch], peers: Peers) -> Plan:
        """Read what is frozen, and bring together what all portions have to know of it.

        Args:
            parts: this process's portions.
            peers: the processes that have the others.
        """
        config = self.config
        portions = share_out(parts, peers)
        words = read_words(parts, portions, peers, self.read)
        texts = choose_texts(words, config.texts, self.generator)
        text_kd = self.model.finish_text(texts.frozen_kd).float()
        features = [part.features or self._see(part) for part in parts]
        clip_bk = None
        if config.clip_margin is not None:
            seen = zip(parts, features, strict=True)
            rows = torch.cat([self._match(part, one, text_kd) for part, one in seen])
            clip_bk = torch.cat(peers.gather_rows(rows))
        ignore_bk = find_false_negatives(
            text_kd,
            texts.owner_k,
            portions.images,
            same_cosine=config.same_cosine,
            clip_scores_bj=clip_bk,
            clip_margin=config.clip_margin or 0.0,
            named_bj=texts.named_bk,
        )
        order_k = portions.order(texts.owner_k)
        met = Meeting(owner_k=texts.owner_k, ignore_bk=ignore_bk, order_k=order_k)
        return Plan(
            portions=portions,
            words=words,
            texts=texts,
            met=met,
            features=features,
            draws=self.generator.get_state(),
        )

    def survey(self, batch: Batch, plan: Plan, own: int, join: Join | None = None) -> Pieces:
        """What a portion has to say: its pieces, which :meth:`compare` takes those of all.

        Args:
            batch: the portion.
            plan: of the whole batch.
            own: the portion's number, among this process's.
            join: adds up nouns' areas over all portions; None: this is the whole batch.
        """
        config, features = self.config, plan.features[own]
        self.generator.set_state(plan.draws)
        begin, end = plan.portions.span(own)
        text_kd = self.model.finish_text(plan.texts.frozen_kd).float()
        nouns_ud, named_bu = self._nouns(plan, own)
        embeddings_bdhw = self._embed(batch, features)
        grid_hw = (int(embeddings_bdhw.shape[2]), int(embeddings_bdhw.shape[3]))
        with torch.autocast(embeddings_bdhw.device.type, enabled=False):
            pixels_bnd = embeddings_bdhw.flatten(2).transpose(1, 2)
            settling = self._settling(batch.images_bhw3, features.embeddings_bdhw, grid_hw)
            shares = self._shares(pixels_bnd, nouns_ud, named_bu, settling, join)
            guide = Guide(mask=self.mask, shares=shares, settling=settling)
            seen = align(pixels_bnd, text_kd, plan, own, guide if self._samples else None)
            pieces = self._survey_grains(seen)
            if config.noun_weight and shares is not None:
                assert nouns_ud is not None and named_bu is not None, "shares come of them"
                sums = sum_noun_losses(
                    pixels_bnd, nouns_ud, named_bu, shares, smallest=config.noun_smallest
                )
                pieces |= {"cover": sums[:1], "presence": sums[1:]}
            if config.class_level_weight:
                classes = class_loss(
                    self.model, embeddings_bdhw, features.embeddings_bdhw.float(), self.generator
                )
                pieces["classes"] = ratio((end - begin) * classes, end - begin)
            if config.area_weight or config.smooth_weight:
                colors = shrink_to(unit_images(batch.images_bhw3), grid_hw)[seen.owner_j]
                pieces |= survey_masks(self.mask(seen.own_jn), colors, config)
        return pieces

    @torch.no_grad()
    def measure_areas(self, batch: Batch, plan: Plan, own: int) -> Tensor:
        """What ``join`` is to add up, (2, u), of a portion; see :meth:`survey`."""
        features = plan.features[own]
        nouns_ud, named_bu = self._nouns(plan, own)
        embeddings_bdhw = self._embed(batch, features)
        with torch.autocast(embeddings_bdhw.device.type, enabled=False):
            pixels_bnd = embeddings_bdhw.flatten(2).transpose(1, 2)
            return note_areas(
                lambda join: self._shares(pixels_bnd, nouns_ud, named_bu, None, join),
                embeddings_bdhw.new_zeros(2, 0),
            )

    def compare(self, pieces: Pieces, plan: Plan) -> dict[str, Tensor]:
        """Named losses of the whole batch; ``loss`` is their weighted sum.

        Args:
            pieces: of all portions of all processes, one behind the other.
            plan: of the batch.
        """
        config, met = self.config, plan.met
        losses: dict[str, Tensor] = {}
        if config.object_weight:
            losses["object"] = config.object_weight * compare_objects(pieces, met, config)
        if config.region_weight:
            losses["region"] = config.region_weight * compare_regions(pieces, met, config)
        if config.pixel_weight:
            losses["pixel"] = config.pixel_weight * compare_pixels(pieces, met)
        weights = {
            "cover": config.noun_weight,
            "presence": config.noun_weight,
            "classes": config.class_level_weight,
            "area": config.area_weight,
            "smooth": config.smooth_weight,
        }
        for name, weight in weights.items():
            if name in pieces:
                losses[name] = weight * mean_of(pieces[name], FEWEST.get(name, 1e-6))
        losses["loss"] = torch.stack(list(losses.values())).sum()
        return losses

    def _shuffle(self, batch: Batch) -> TileShuffle:
        """How the tiles of a portion's images change places; its own content is the seed."""
        seed = int(batch.tokens_jl.sum())
        return draw_shuffle(len(batch.images_bhw3), self.config.tile_mixing, seed)

    def _see(self, batch: Batch) -> DenseFeatures:
        canvases = self._shuffle(batch).shuffle(normalize_images(batch.images_bhw3))
        return self.model.encoder(canvases)

    def _match(self, batch: Batch, features: DenseFeatures, text_kd: Tensor) -> Tensor:
        """(b, k), how well each text suits each image, as the frozen towers see it."""
        dense_bdhw = self._shuffle(batch).restore(features.embeddings_bdhw.float())
        with torch.autocast(dense_bdhw.device.type, enabled=False):
            return match_patches(dense_bdhw.flatten(2).transpose(1, 2), text_kd)

    def _nouns(self, plan: Plan, own: int) -> tuple[Tensor | None, Tensor | None]:
        """Unit-length embeddings (u, d) of the batch's nouns, and who of a portion names them."""
        words, (begin, end) = plan.words, plan.portions.span(own)
        if words.nouns_ud is None or words.named_bu is None:
            return None, None
        return self.model.finish_text(words.nouns_ud).float(), words.named_bu[begin:end]

    def _embed(self, batch: Batch, features: DenseFeatures) -> Tensor:
        """Pixel embeddings of a portion's images: float32 (b, d, h', w'), unit length."""
        shuffle = self._shuffle(batch)
        canvases = shuffle.shuffle(normalize_images(batch.images_bhw3))
        return shuffle.restore(normalize_large(self._decode(features, canvases).float(), dim=1))

    def _decode(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """Pixel embeddings, or those of patches where that is asked for."""
        decoder = self.model.decoder
        if isinstance(decoder, AligningDecoder) and self.config.on_patches:
            return decoder.align_patches(features)
        return decoder(features, images_b3hw)

    def _survey_grains(self, seen: Alignment) -> Pieces:
        """The pieces of the three grains that are on."""
        config = self.config
        pieces: Pieces = {}
        if config.object_weight:
            pieces |= survey_objects(seen, config, self.mask)
        if config.region_weight:
            pieces |= survey_regions(seen, config, self.generator)
        if config.pixel_weight:
            pieces |= survey_pixels(seen, config, self.generator)
        return pieces

    def _shares(
        self,
        pixels_bnd: Tensor,
        nouns_ud: Tensor | None,
        named_bu: Tensor | None,
        settling: Settling | None,
        join: Join | None,
    ) -> tuple[Tensor, Tensor] | None:
        """How an image's nouns share its pixels out (:func:`share_nouns`); None: nothing asks."""
        if nouns_ud is None or named_bu is None or not self.joins_areas:
            return None
        settle = settling.targets if settling else None
        chosen_bnu = choose_nouns(pixels_bnd, nouns_ud, self.config.noun_discount)
        return share_nouns(chosen_bnu, named_bu, self.config, settle, join)

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
