"""What pre-training minimises, as a module that eats a batch and gives named losses.

Shape legend: b images, j captions, p patches, q patches kept, u nouns, d embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

from runtime.errors import UserError
from training.data.batches import Batch, normalize_colors, unit_images
from training.data.tile_mixing import TileShuffle, draw_shuffle
from training.losses.affinity import patch_affinity
from training.losses.infonce import contrast_pairs
from training.losses.noun_level import (
    Join,
    choose_nouns,
    note_areas,
    share_nouns,
    sum_noun_losses,
)
from training.losses.patch_match import match_patches
from training.losses.portions import Alone, Peers, Pieces, Portions, mean_of, share_out
from training.model.attention import quickest_attention
from training.model.clip import encode_text
from training.model.dense import embed_patches, position_embedding
from training.pretrain.color_jitter import jitter_colors
from training.pretrain.config import ClipLossConfig
from training.pretrain.mosaic import Mosaic
from training.pretrain.teacher import NounTeacher


@dataclass(frozen=True, kw_only=True)
class ClipPlan:
    """What every portion of a batch has to know of the others (training.losses.portions).

    Attributes:
        portions: how the batch is shared out.
        owner_j: int64 (j,), the image of each caption, counted through the whole batch.
        tokens_jl: int64 (j, l), all captions.
    """

    portions: Portions
    owner_j: Tensor
    tokens_jl: Tensor


class ClipObjective(nn.Module):
    """CLIP's contrastive loss (Radford et al. 2021), with captions of the same words not counted as
    negatives.

    The score of an image and a caption is either CLIP's own (``mean``: the average of the patches
    meets the caption) or read patch by patch (``match``, after Mukhoti et al. 2023, PACL: every
    patch meets the caption, and those that suit it weigh more). A pole is one patch in a hundred:
    in the mean it is lost.

    Args:
        clip: towers to train.
        config: pooling, tiles, patch dropout and the weights of the terms.
        teacher: says what patches show; None: they are taught by their own choice.

    Attributes:
        patch_dropout: share of the patches left out (Li et al. 2023), the same ones in every image
            of a batch; the configuration's until a run sets it to 0 for its last steps.
    """

    def __init__(
        self, clip: CLIP, config: ClipLossConfig, teacher: NounTeacher | None = None
    ) -> None:
        super().__init__()
        self.clip = clip
        self.teacher = teacher
        patches = [tower.visual.patch_size for tower in (clip, teacher.clip if teacher else clip)]
        if patches[0] != patches[1]:
            raise UserError(
                f"the teacher's patches are of {patches[1]} pixels, the trained tower's of "
                f"{patches[0]}; expected alike: take another pretrain.teacher"
            )
        # A tenth faster on CPUs; results differ in their rounding only.
        clip.visual.conv1.to(memory_format=torch.channels_last)
        self.config = config
        self.patch_dropout = config.patch_dropout

    @property
    def joins_areas(self) -> bool:
        """Whether a survey has to know the nouns' areas in all portions (``join``)."""
        return bool(self.config.noun_weight)

    def forward(
        self, batch: Batch, plan: ClipPlan | None = None, own: int = 0, join: Join | None = None
    ) -> dict[str, Tensor]:
        """``loss`` of a whole batch, its parts, and ``accuracy`` in [0, 1] (caption to image, no
        gradient). With a plan: the pieces of a portion (:meth:`survey`).
        """
        if plan is not None:
            return self.survey(batch, plan, own, join)
        plan = self.prepare([batch], Alone())
        return self.compare(self.survey(batch, plan, 0), plan)

    @torch.no_grad()
    def prepare(self, parts: Sequence[Batch], peers: Peers) -> ClipPlan:
        """Bring together which captions there are, and whose.

        Args:
            parts: this process's portions.
            peers: the processes that have the others.
        """
        portions = share_out(parts, peers)
        owner_j = torch.cat([part.owner_j + portions.span(n)[0] for n, part in enumerate(parts)])
        tokens_jl = torch.cat([part.tokens_jl for part in parts])
        return ClipPlan(
            portions=portions,
            owner_j=torch.cat(peers.gather_rows(owner_j)),
            tokens_jl=torch.cat(peers.gather_rows(tokens_jl)),
        )

    def survey(self, batch: Batch, plan: ClipPlan, own: int, join: Join | None = None) -> Pieces:
        """What a portion has to say: its pieces, which :meth:`compare` takes those of all.

        Args:
            batch: the portion.
            plan: of the whole batch.
            own: the portion's number, among this process's.
            join: adds up nouns' areas over all portions; None: this is the whole batch.
        """
        # The batch's own content is the seed: a resumed run draws what an unbroken one would have.
        seed = int(batch.tokens_jl.sum()) + 1000003 * batch.visit
        mosaic = self._mosaic(batch)
        images = self._jitter(batch.images_bhw3, mosaic, seed)
        shuffle = draw_shuffle(images.shape[0], self.config.tile_mixing, seed)
        shown = mosaic if mosaic and self._shows_mosaic(seed) else None
        with quickest_attention(images.device):
            patches_bpd, kept_q = self._patches(shuffle, images, seed, shown)
            patches_bpd = patches_bpd.float()
        text_jd = F.normalize(encode_text(self.clip, batch.tokens_jl).float(), dim=-1)
        met_bpd = patches_bpd
        if self.config.pooling == "mean":
            met_bpd = patches_bpd.mean(dim=1, keepdim=True)
        scale_1 = self.clip.logit_scale.exp().clamp(max=100.0).reshape(1)
        pieces = {"patches": met_bpd, "text": text_jd, "scale": scale_1}
        if self.config.noun_weight and batch.nouns is not None:
            noun_tokens_ul, named_bu = batch.nouns
            nouns_ud = F.normalize(encode_text(self.clip, noun_tokens_ul).float(), dim=-1)
            with torch.autocast(images.device.type, enabled=False):
                settle = self._settling(batch.images_bhw3, kept_q)
                discount = self.config.noun_discount
                if self.teacher is not None:
                    chosen_bqu = self.teacher.choose(
                        batch, kept_q, discount, mosaic, mirrors=self.config.teacher_mirrors
                    )
                else:
                    chosen_bqu = choose_nouns(patches_bpd, nouns_ud, discount)
                shares = share_nouns(chosen_bqu, named_bu, self.config, settle, join)
                sums = sum_noun_losses(
                    patches_bpd, nouns_ud, named_bu, shares, smallest=self.config.noun_smallest
                )
                pieces |= {"cover": sums[:1], "presence": sums[1:]}
        return pieces

    @torch.no_grad()
    def measure_areas(self, batch: Batch, plan: ClipPlan, own: int) -> Tensor:
        """What ``join`` is to add up, (2, u), of a portion; see :meth:`survey`."""
        nothing = self.clip.logit_scale.new_zeros(2, 0)
        return note_areas(lambda join: self.survey(batch, plan, own, join), nothing)

    def compare(self, pieces: Pieces, plan: ClipPlan) -> dict[str, Tensor]:
        """Named losses of the whole batch, ``accuracy`` among them; ``loss`` is their sum.

        Args:
            pieces: of all portions of all processes, one behind the other.
            plan: of the batch.
        """
        owner_j, tokens_jl, config = plan.owner_j, plan.tokens_jl, self.config
        with torch.autocast(owner_j.device.type, enabled=False):
            scores_bj = self._score(pieces["patches"], pieces["text"])
            logits_bj = pieces["scale"].mean() * scores_bj
        rows_b1 = torch.arange(plan.portions.images, device=owner_j.device).unsqueeze(1)
        own_bj = owner_j.unsqueeze(0) == rows_b1
        same_jj = (tokens_jl.unsqueeze(0) == tokens_jl.unsqueeze(1)).all(-1)
        ignore_bj = ((own_bj.float() @ same_jj.float()) > 0) & ~own_bj
        caption = contrast_pairs(logits_bj, owner_j, ignore_bj)
        losses = {"caption": config.caption_weight * caption}
        for name in ("cover", "presence"):
            if name in pieces:
                losses[name] = config.noun_weight * mean_of(pieces[name], 1.0)
        losses["loss"] = torch.stack(list(losses.values())).sum()
        losses["accuracy"] = (logits_bj.argmax(0) == owner_j).float().mean().detach()
        return losses

    def _grid_hw(self, height: int, width: int) -> tuple[int, int]:
        """Patch rows and columns of an image."""
        patch_hw = self.clip.visual.patch_size
        if height % patch_hw[0] or width % patch_hw[1]:
            raise UserError(
                f"training images of {width}x{height} pixels are no multiples of the patch of "
                f"{patch_hw[1]}x{patch_hw[0]}; change data.size_wh"
            )
        return height // patch_hw[0], width // patch_hw[1]

    def _settling(
        self, images_bhw3: Tensor, kept_q: Tensor | None
    ) -> Callable[[Tensor], Tensor] | None:
        """Averages (b, q, u) over the patches that look the same; None: nothing does."""
        sharpness = self.config.color_sharpness
        if not sharpness:
            return None
        colors = unit_images(images_bhw3)
        grid_hw = self._grid_hw(colors.shape[2], colors.shape[3])
        affinity_bqq = patch_affinity(
            colors,
            grid_hw,
            kept_q,
            sharpness=sharpness,
            contrast_weight=self.config.contrast_weight,
        )
        return lambda target_bqu: affinity_bqq @ target_bqu

    def _jitter(self, images_bhw3: Tensor, mosaic: Mosaic | None, seed: int) -> Tensor:
        """Normalised images (b, 3, h, w) as the pupil sees them."""
        colors = unit_images(images_bhw3)
        if self.config.color_jitter:
            together = mosaic.tiles if mosaic else 1
            colors = jitter_colors(colors, self.config.color_jitter, seed + 3, together)
        return normalize_colors(colors)

    def _mosaic(self, batch: Batch) -> Mosaic | None:
        """How the batch's images stand together; None: each is by itself."""
        if self.config.mosaic == (1, 1):
            return None
        return Mosaic(self.config.mosaic, batch.mirrored)

    def _shows_mosaic(self, seed: int) -> bool:
        generator = torch.Generator().manual_seed(seed + 2)
        return float(torch.rand((), generator=generator)) < self.config.mosaic_share

    def _patches(
        self,
        shuffle: TileShuffle,
        images_b3hw: Tensor,
        seed: int,
        mosaic: Mosaic | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The tower's last patch tokens in the shared space, by image: (b, q, d); and which patches
        they are, int64 (q,), None: all. With ``mosaic`` it sees images where they stood, not tiles
        of them exchanged.
        """
        visual = self.clip.visual
        grid_hw = self._grid_hw(images_b3hw.shape[2], images_b3hw.shape[3])
        canvases = mosaic.assemble(images_b3hw) if mosaic else shuffle.shuffle(images_b3hw)
        position_pc = position_embedding(visual, self._grid_hw(*canvases.shape[2:]))
        tokens_bpc = embed_patches(visual, canvases, position_pc)
        patches = grid_hw[0] * grid_hw[1]
        kept_q = None
        if self.patch_dropout:
            generator = torch.Generator().manual_seed(seed + 1)
            count = max(1, round((1 - self.patch_dropout) * patches))
            kept_q = torch.randperm(patches, generator=generator)[:count].sort().values
            kept_q = kept_q.to(tokens_bpc.device)
        stay_q = kept_q
        if mosaic:
            stay_q = mosaic.tokens_of(grid_hw, kept_q).flatten().to(tokens_bpc.device)
        if stay_q is not None:
            # The class token stays in front.
            stay_q = torch.cat([stay_q.new_zeros(1), stay_q + 1])
            tokens_bpc = tokens_bpc.index_select(1, stay_q)
        tokens_bpc = visual.transformer(tokens_bpc)
        patches_bqd = visual.ln_post(tokens_bpc[:, 1:]) @ visual.proj
        if mosaic:
            return patches_bqd.reshape(images_b3hw.shape[0], -1, patches_bqd.shape[2]), kept_q
        return shuffle.restore_tokens(patches_bqd, grid_hw, kept_q), kept_q

    def _score(self, patches_bpd: Tensor, text_jd: Tensor) -> Tensor:
        """(b, j) scores in [-1, 1]."""
        if self.config.pooling == "mean":
            return F.normalize(patches_bpd.mean(dim=1), dim=-1) @ text_jd.T
        return match_patches(patches_bpd, text_jd, self.config.match_sharpness)
