"""Where the pixels of a portion of a batch meet the texts of all of it.

Shape legend: b images of the portion, j texts of theirs, k texts of the whole batch, n pixels
(h' x w'), u nouns, d embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.object import ForegroundMask
from training.losses.portions import Place, Portions
from training.losses.settling import Settling
from training.losses.words import Texts, Words
from training.model.dense import DenseFeatures


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Where the pixels of a portion and the texts of the batch meet.

    Attributes:
        pixels_bnd: float32 (b, n, d), unit length: what is trained.
        text_kd: float32 (k, d), unit length, frozen.
        owner_j: int64 (j,), the image, of the portion's, that each of its own texts belongs to.
        place: which of the k texts those are.
        others_bk: bool (b, k), texts that are negatives of each image.
        similarity_bkn: (b, k, n) cosines.
        own_jn: S_ii, (j, n), each own text on its image (:func:`select_own`).
        guide_jn: (j, n) in [0, 1], how much each text holds the pixels of its image; no gradient.
    """

    pixels_bnd: Tensor
    text_kd: Tensor
    owner_j: Tensor
    place: Place
    others_bk: Tensor
    similarity_bkn: Tensor
    own_jn: Tensor
    guide_jn: Tensor


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Which images and texts of the whole batch go together.

    Attributes:
        owner_k: int64 (k,), the image of each text.
        ignore_bk: bool, all images by all texts: neither positive nor negative.
        order_k: int64 (k,), where each text is among the rows of all portions.
    """

    owner_k: Tensor
    ignore_bk: Tensor
    order_k: Tensor

    def sort(self, rows: Tensor) -> Tensor:
        """The rows of all portions' texts in the order of the texts."""
        return rows.index_select(0, self.order_k)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every portion of a batch has to know of the others, before pixels are looked at.

    Attributes:
        portions: how the batch is shared out.
        words: its captions and nouns.
        texts: those that are aligned.
        met: which images and texts go together.
        features: what the frozen encoder says of each of this process's portions.
        draws: state of the generator that each portion is surveyed with.
    """

    portions: Portions
    words: Words
    texts: Texts
    met: Meeting
    features: list[DenseFeatures]
    draws: Tensor


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What says how much each text holds the pixels of its image, where seeds and positives are
    drawn: a noun's share beside the image's other nouns, a caption's mask.

    Attributes:
        mask: of captions.
        shares: of nouns, (b, n, u), and the pixels' weights; None: there are none.
        settling: of masks; None: they are left as they are.
    """

    mask: ForegroundMask
    shares: tuple[Tensor, Tensor] | None = None
    settling: Settling | None = None

    @torch.no_grad()
    def hold(self, own_jn: Tensor, owner_j: Tensor, noun_j: Tensor | None) -> Tensor:
        """(j, n) in [0, 1].

        Args:
            own_jn: each text on its own image.
            owner_j: int64 (j,), that image among the portion's.
            noun_j: int64 (j,), which noun each is, -1 for a caption; None: all are captions.
        """
        if noun_j is None or self.shares is None:
            return self._masks(own_jn, owner_j)
        held_jn = self.shares[0][owner_j, :, noun_j]
        if not (noun_j < 0).any():
            return held_jn
        masks_jn = self._masks(own_jn, owner_j)
        return torch.where((noun_j < 0).unsqueeze(1), masks_jn, held_jn)

    def _masks(self, own_jn: Tensor, owner_j: Tensor) -> Tensor:
        return self.mask(self.settling.own(own_jn, owner_j) if self.settling else own_jn)


def align(
    pixels_bnd: Tensor, text_kd: Tensor, plan: Plan, own: int, guide: Guide | None
) -> Alignment:
    """Where a portion's pixels meet the batch's texts.

    Args:
        pixels_bnd: float32, unit length.
        text_kd: float32, unit length.
        plan: of the batch.
        own: the portion's number, among this process's.
        guide: None: nothing is drawn.
    """
    met, noun_k = plan.met, plan.texts.noun_k
    begin, end = plan.portions.span(own)
    place = plan.portions.place(met.owner_k, own)
    owner_j = met.owner_k.index_select(0, place.rows_j) - begin
    similarity_bkn = torch.matmul(text_kd, pixels_bnd.transpose(1, 2))
    own_jn = select_own(similarity_bkn, owner_j, place.rows_j)
    guide_jn = own_jn
    if guide is not None:
        noun_j = None if noun_k is None else noun_k.index_select(0, place.rows_j)
        guide_jn = guide.hold(own_jn.detach(), owner_j, noun_j)
    image_b1 = torch.arange(begin, end, device=text_kd.device).unsqueeze(1)
    return Alignment(
        pixels_bnd=pixels_bnd,
        text_kd=text_kd,
        owner_j=owner_j,
        place=place,
        others_bk=(met.owner_k.unsqueeze(0) != image_b1) & ~met.ignore_bk[begin:end],
        similarity_bkn=similarity_bkn,
        own_jn=own_jn,
        guide_jn=guide_jn,
    )


def select_own(similarity_bkn: Tensor, owner_j: Tensor, rows_j: Tensor) -> Tensor:
    """S_ii: (j, n). index_select, because its gradient is the cheap one."""
    texts = similarity_bkn.shape[1]
    return similarity_bkn.flatten(0, 1).index_select(0, owner_j * texts + rows_j)
